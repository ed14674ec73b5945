"""Several credentials that are one token: what is kept of it, and when it is lent once more."""

import json
from datetime import UTC, datetime, timedelta

from counterfoil.wire.secret import Secret
from services.providers.consenting import Kept
from services.providers.seam import Irrevocable, Minted, Order, answer, token_of

LEAST = timedelta(seconds=30)
"""In the last of it another takes its place, and whoever still has it loses it so much early."""


def keep(order: Order, minted: Minted, place: str, until: datetime) -> Kept | None:
    """`place`: where it is good. None where it is not what it should be: nobody shall have it."""
    if minted.amiss or not minted.granted_scopes <= order.scopes:
        return None
    scopes = {"asked": sorted(order.scopes), "granted": sorted(minted.granted_scopes)}
    said = {"token": token_of(minted).text(), "place": place, "handle": minted.handle, **scopes}
    return Kept(Secret(json.dumps(said)), until)


def once_more(order: Order, kept: Kept, place: str) -> Minted | None:
    said = json.loads(kept.token.text())
    if said["place"] != place or frozenset(said["asked"]) != order.scopes or kept.until - datetime.now(UTC) < LEAST:
        return None
    expires = min(order.expires_at, kept.until)
    return Minted(answer(said["token"], "Bearer"), "Bearer", said["handle"], frozenset(said["granted"]), (), expires)


def token(kept: Kept) -> Secret:
    return Secret(str(json.loads(kept.token.text())["token"]))


def shared(until: datetime | None) -> Irrevocable:
    return Irrevocable("shared_token", "others may have been lent the same token: it ends by itself, or with the user's grant", until)
