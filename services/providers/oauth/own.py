"""What the client gets for itself, by the grant that its connector names."""

from datetime import UTC, datetime

from services.providers.oauth import bearer, exchange, lending
from services.providers.oauth.endings import Endings
from services.providers.oauth.server import Server
from services.providers.oauth.wish import Wish
from services.providers.seam import Minted, Order


async def lend(server: Server, order: Order, wish: Wish, endings: Endings) -> Minted:
    if server.config.grant == "token_exchange":
        return await exchange.lend(server, order, wish, endings)
    asked = lending.asked(server, wish)
    grant = "client_credentials"
    if server.config.grant == "jwt_bearer":
        grant, asked = bearer.GRANT, [("assertion", await bearer.assertion(server, order)), *asked]
    sent = datetime.now(UTC)
    heard = await server.token(grant, *asked)
    return await lending.taken(server, order, wish, heard, sent)
