"""What Google's answers say they gave. What they leave unsaid counts as everything."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from counterfoil.wire.secret import Secret
from services.providers.google.cloud import ACCESS
from services.providers.oauth.given import Given, spaced
from services.providers.seam import Details, Handle, Minted, Order, answer
from services.providers.web.document import Body
from services.providers.web.header import printable
from services.providers.web.talk import Heard

SLACK = timedelta(minutes=2)
"""Google's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Token:
    """Of the service account, within the scopes alone. `scopes`: as Google says when it is shown the token."""

    secret: Secret
    scopes: frozenset[str]
    ends: datetime | None
    amiss: str


def token(said: Body) -> Secret | None:
    """A token is a token, whatever the status beside it."""
    found = said.get("accessToken")
    return Secret(found) if isinstance(found, str) and found else None


def found(secret: Secret, heard: Heard, about: Heard | None, latest: datetime) -> Token:
    """`about`: None where Google could not say what the token is."""
    ends = expiry(heard.body.get("expireTime"))
    said = spaced(about.body.get("scope")) if about is not None and about.status == 200 and about.error is None else None
    return Token(secret, said or frozenset(), ends, amiss(secret, heard, said, ends, latest))


def amiss(secret: Secret, heard: Heard, said: frozenset[str] | None, ends: datetime | None, latest: datetime) -> str:
    """Empty where it can be handed over. That it is within what was asked is looked at by whoever asked."""
    if heard.status != 200 or heard.error is not None:
        return f"Google answered {heard.status}, and gave a token beside it"
    if not printable(secret.text()):
        return "Google gave a token that no header can carry"
    if not said:
        return "Google does not say which scopes its token has"
    if ends is None or ends > latest + SLACK:
        return "Google's token lives longer than was asked, or it is not said how long"
    return ""


def lent(order: Order, known: Token) -> Minted:
    over = min(order.expires_at, known.ends) if known.ends else order.expires_at
    return minted(known, known.secret, (), over, known.amiss)


def narrowed(order: Order, known: Token, heard: Heard, given: Given, now: datetime) -> Minted:
    """Google does not repeat the boundary; that it took one is seen by a token that is another and of the kind that was asked for."""
    over = min(one for one in (order.expires_at, known.ends, now + given.lives if given.lives else None) if one is not None)
    why = ""
    if not given.sound or not printable(given.token.text()):
        why = "Google's token exchange gave a token that is no bearer token, or said no beside it"
    elif heard.body.get("issued_token_type") != ACCESS or given.token == known.secret:
        why = "Google does not show that it took the boundary"
    return minted(known, given.token, order.details, over, why)


def minted(known: Token, secret: Secret, details: Details, over: datetime, why: str) -> Minted:
    handle: Handle = {"until": known.ends.astimezone(UTC).isoformat() if known.ends else None}
    return Minted(answer(secret.text(), "Bearer"), "Bearer", handle, known.scopes, details, over, amiss=why)


def expiry(said: object) -> datetime | None:
    try:
        ends = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return ends if ends and ends.tzinfo else None
