"""From an order to what is asked of a token endpoint, and from what that gave to what is lent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.providers.oauth import said
from services.providers.oauth.config import Config
from services.providers.oauth.given import Given, given
from services.providers.oauth.server import Server
from services.providers.seam import Handle, Minted, Order, ProviderError, answer
from services.providers.web.talk import Heard

SLACK = timedelta(seconds=5)


def asked(config: Config, scopes: frozenset[str], resources: tuple[str, ...]) -> list[tuple[str, str]]:
    """The operator's `resource` and `audience` are how the server wants to be asked; a request's own resources are a narrowing."""
    targets = resources or ((config.resource,) if config.resource else ())
    form = [("scope", " ".join(sorted(scopes))), *(("resource", one) for one in targets)]
    return form + ([("audience", config.audience)] if config.audience else [])


async def proven(server: Server, found: Given) -> Given:
    """The token is in hand: whatever introspection does, it is either lent or ended."""
    try:
        told = await server.introspected(found.token)
    except ProviderError:
        return found
    return found if told is None else found.proven(told, datetime.now(UTC))


async def taken(
    server: Server, order: Order, resources: tuple[str, ...], heard: Heard, sent: datetime, wrong: str = "", *, look: bool = False
) -> Minted:
    """Of an answer, what is lent of it. Raises what the server's no means. `wrong`: why it must not be; `look`: whether it lives has to be seen."""
    received, found = datetime.now(UTC), given(heard)
    if found is None:
        raise said.no(heard)
    if found.sound and not wrong and (look or resources or not found.complete):
        found = await proven(server, found)
    minted = lent(order, found, server.config.issuer, resources, sent, received)
    return replace(minted, amiss=wrong) if wrong else minted


def lent(order: Order, found: Given, issuer: str, resources: tuple[str, ...], sent: datetime, received: datetime) -> Minted:
    """It is over at the lesser of what was lent and what the server gave, and surely dead when the server's own time is up."""
    over = min(order.expires_at, sent + found.lives) if found.lives else order.expires_at
    until = (received + found.lives + SLACK).isoformat() if found.lives else None
    handle: Handle = {"issuer": issuer, "until": until}
    details = tuple(one for one in order.details if one["resource"] in (found.audience or ()))
    return Minted(answer(found.token.text(), "Bearer"), "Bearer", handle, found.scopes or frozenset(), details, over, amiss=found.amiss(resources))
