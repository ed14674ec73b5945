"""What Linear's answer says it gave. What it leaves unsaid counts as everything."""

import re
from datetime import datetime, timedelta

from services.providers.oauth.given import Given
from services.providers.seam import Handle, Minted, Order, answer
from services.providers.web.document import Body

EVERYTHING = frozenset({"*"})
SLACK = timedelta(seconds=5)
LONGEST = timedelta(days=30)
"""Of a token by client credentials; nothing makes it shorter."""


def lent(order: Order, found: Given, said: Body, api: str, sent: datetime, received: datetime) -> Minted:
    """It is over at the lesser of what was lent and what Linear gave, and surely dead when Linear's own time is up."""
    over = min(order.expires_at, sent + found.lives) if found.lives else order.expires_at
    handle: Handle = {"api": api, "until": (received + found.lives + SLACK).isoformat() if found.lives else None}
    return Minted(answer(found.token.text(), "Bearer"), "Bearer", handle, scopes(said.get("scope")), (), over, amiss=amiss(found))


def amiss(found: Given) -> str:
    """Empty where the token can be handed over. That it is within what was asked is looked at by whoever asked."""
    if not found.sound:
        return "Linear gave a token that is no bearer token, or said no beside it"
    if found.lives is None or found.lives > LONGEST:
        return "Linear's token lives longer than the 30 days that it should, or it is not said how long"
    return ""


def scopes(said: object) -> frozenset[str]:
    """A text with spaces or commas; of apps from before December 2023 a list."""
    listed = re.split(r"[,\s]+", said.strip()) if isinstance(said, str) else said
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        return EVERYTHING
    return frozenset(listed) - {""} or EVERYTHING
