"""What GitLab's answer says it gave. What it leaves unsaid counts as everything."""

from datetime import UTC, date, datetime, time

from services.providers.gitlab.wish import NAMES
from services.providers.seam import Handle, Minted, Order, answer
from services.providers.web.document import Body
from services.providers.web.header import printable

EVERYTHING = "*"
USERNAME = "oauth2"
"""With the token as password: any name will do for git over HTTPS, and this one is GitLab's own."""


def lent(order: Order, token: str, status: int, said: Body, handle: Handle, day: date) -> Minted:
    ends = expiry(said)
    over = min(order.expires_at, datetime.combine(ends, time(), UTC)) if ends else order.expires_at
    secret = answer(token, "Bearer", username=USERNAME, password=token)
    known = {**handle, "id": said.get("id")} if whole(said.get("id")) else handle
    return Minted(secret, "Bearer", known, granted(said), (), over, amiss=amiss(token, status, said, handle, day))


def granted(said: Body) -> frozenset[str]:
    scopes, level = said.get("scopes"), said.get("access_level")
    listed = scopes if isinstance(scopes, list) and scopes and all(isinstance(one, str) for one in scopes) else [EVERYTHING]
    role = NAMES.get(level, EVERYTHING) if isinstance(level, int) and not isinstance(level, bool) else EVERYTHING
    return frozenset({*listed, role})


def amiss(token: str, status: int, said: Body, handle: Handle, day: date) -> str:
    """Empty where the token can be handed over. That it is within what was asked is looked at by whoever asked."""
    if status != 201:
        return f"GitLab answered {status}, and gave a token beside it"
    if not printable(token):
        return "GitLab gave a token that no header can carry"
    if said.get("name") != handle["name"]:
        return "GitLab gave the token another name, and by its name it is ended"
    if said.get("active") is not True or said.get("revoked") is not False:
        return "GitLab gave a token that is not active"
    ends = expiry(said)
    if ends is None or ends > day:
        return "GitLab gave a token that lives longer than was asked, or for ever"
    return ""


def whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number > 0


def expiry(said: Body) -> date | None:
    text = said.get("expires_at")
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
