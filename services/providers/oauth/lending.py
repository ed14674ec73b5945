"""From an order to what is asked of a token endpoint, and from what that gave to what is lent."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.providers.covered import covered
from services.providers.oauth import said
from services.providers.oauth.config import OWN
from services.providers.oauth.given import Given, given
from services.providers.oauth.server import Server
from services.providers.oauth.wish import Wish
from services.providers.seam import Handle, Minted, Order, ProviderError, Refused, answer
from services.providers.web.talk import Heard

SLACK = timedelta(seconds=5)


def asked(server: Server, wish: Wish) -> list[tuple[str, str]]:
    """The operator's `resource` and `audience` are how the server wants to be asked; a request's own resources are a narrowing."""
    config, known = server.config, server.places.details
    if known is not None and not all(one["type"] in known for one in wish.details):
        raise Refused("unsupported_details", "the server's metadata does not name such a type of details")
    form = [("scope", " ".join(sorted(wish.scopes)))] if wish.scopes else []
    form += [("resource", one) for one in wish.resources or ((config.resource,) if config.resource else ())]
    form += [("audience", config.audience)] if config.audience else []
    return form + ([("authorization_details", json.dumps(wish.details, separators=(",", ":")))] if wish.details else [])


async def proven(server: Server, found: Given) -> Given:
    """The token is in hand: whatever introspection does, it is either lent or ended."""
    try:
        told = await server.introspected(found.token)
    except ProviderError:
        return found
    return found if told is None else found.proven(told, datetime.now(UTC))


async def taken(server: Server, order: Order, wish: Wish, heard: Heard, sent: datetime, wrong: str = "", *, look: bool = False) -> Minted:
    """Of an answer, what is lent of it. Raises what the server's no means. `wrong`: why it must not be; `look`: whether it lives has to be seen."""
    received, found = datetime.now(UTC), given(heard)
    if found is None:
        raise said.no(heard)
    if found.sound and not wrong and (look or wish.narrows or not found.complete):
        found = await proven(server, found)
    minted = lent(order, found, server.config.issuer, wish, sent, received)
    return replace(minted, amiss=wrong) if wrong else minted


def lent(order: Order, found: Given, issuer: str, wish: Wish, sent: datetime, received: datetime) -> Minted:
    """It is over at the lesser of what was lent and what the server gave, and surely dead when the server's own time is up."""
    over = min(order.expires_at, sent + found.lives) if found.lives else order.expires_at
    until = (received + found.lives + SLACK).isoformat() if found.lives else None
    handle: Handle = {"issuer": issuer, "until": until}
    own = tuple(one for one in order.details if one["type"] == OWN and one["resource"] in (found.audience or ()))
    more = not all(covered(one, wish.details) for one in found.said)
    details = own + (found.said if more else found.granted)
    return Minted(answer(found.token.text(), "Bearer"), "Bearer", handle, found.scopes or frozenset(), details, over, amiss=found.amiss(wish))
