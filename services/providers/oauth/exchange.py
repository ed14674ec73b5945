"""RFC 8693: what is our client's own is exchanged for a token that is for less. Nothing that an app showed us ever goes into it.

https://www.rfc-editor.org/rfc/rfc8693
"""

from datetime import UTC, datetime

from counterfoil.wire.secret import Secret
from services.providers.oauth import bearer, given, lending, said
from services.providers.oauth.endings import STAYS, Endings
from services.providers.oauth.given import LONGEST, Given
from services.providers.oauth.server import Server
from services.providers.oauth.wish import Wish
from services.providers.seam import Minted, Order, ProviderError, Refused, Unknown
from services.providers.web.talk import Heard

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPE = "urn:ietf:params:oauth:token-type:"


async def lend(server: Server, order: Order, wish: Wish, endings: Endings) -> Minted:
    if server.config.exchanges == "jwt":
        sent = datetime.now(UTC)
        heard = await asked(server, wish, await bearer.assertion(server, order))
        return await lending.taken(server, order, wish, heard, sent, wrong(server, heard))
    own = (await got(server, order, endings)).token
    sent = datetime.now(UTC)
    try:
        heard = await asked(server, wish, own.text())
    except ProviderError as no:
        raise await over(server, own, endings, no) from None
    except BaseException:  # cut off
        endings.begin(server, own)
        raise
    if given.given(heard) is None:
        raise await over(server, own, endings, said.no(heard))
    left = await endings.of(server, own) if server.config.exchanged_ends else ""
    return await lending.taken(server, order, wish, heard, sent, wrong(server, heard, own) or left, look=server.config.exchanged_ends)


async def got(server: Server, order: Order, endings: Endings) -> Given:
    """What it may do is not looked at: it leaves this process only to be exchanged and to be ended."""
    scopes = server.config.exchanged_scopes or sorted(order.scopes)
    heard = await server.token("client_credentials", *((("scope", " ".join(scopes)),) if scopes else ()))
    found = given.given(heard)
    if found is None:
        raise said.no(heard)
    if found.sound and found.lives is None:
        found = await lending.proven(server, found)
    if not found.sound or found.lives is None or found.lives > LONGEST:
        no = Refused("bad_subject_token", "the client's own token is no bearer token, or it is not said that it lives no longer than a day")
        raise await over(server, found.token, endings, no)
    return found


async def asked(server: Server, wish: Wish, subject: str) -> Heard:
    config = server.config
    shown = (
        ("subject_token", subject),
        ("subject_token_type", TYPE + config.exchanges),
        ("requested_token_type", TYPE + config.requested_token_type),
    )
    return await server.token(GRANT, *shown, *lending.asked(server, wish))


def wrong(server: Server, heard: Heard, own: Secret | None = None) -> str:
    """Section 2.2.1: the answer says what it is."""
    if heard.body.get("issued_token_type") != TYPE + server.config.requested_token_type:
        return "the server gave a token of another type than was asked for, or does not say of which type it is"
    if own is not None and heard.body.get("access_token") == own.text():
        return "the server gave the very token back that was to be exchanged"
    return ""


async def over(server: Server, own: Secret, endings: Endings, no: ProviderError) -> ProviderError:
    """What to raise once nothing comes of it: where a token stays alive, that is no plain no."""
    left = await endings.of(server, own)
    return Unknown("subject_token_left", f"{STAYS} ({no.code})") if left else no
