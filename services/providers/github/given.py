"""What GitHub's answer says it gave. What it leaves unsaid counts as everything, and that is more than anybody asked for."""

from datetime import datetime, timedelta

from counterfoil.wire.secret import Secret
from services.providers.github.wish import Wish
from services.providers.seam import Details, Handle, Minted, Order, answer
from services.providers.web.document import Body

HOUR = timedelta(hours=1)
SLACK = timedelta(minutes=2)
"""GitHub's clock may be ahead of ours."""
LONGEST_TOKEN = 4096
USERNAME = "x-access-token"
"""With the token as password: how git and everything else that speaks Basic uses it."""
ALWAYS = "metadata:read"
EVERYTHING = "*"


def token(body: Body) -> Secret | None:
    """A token is a token, whatever the status beside it: then it has to die. Its form is GitHub's affair, and changes."""
    found = body.get("token")
    return Secret(found) if isinstance(found, str) and found else None


def lent(order: Order, wish: Wish, found: Secret, status: int, body: Body, api: str, now: datetime) -> Minted:
    """Over when the lent time is: the hour that GitHub gives is no reason to lend for longer, so the token is ended before."""
    ends, granted = expiry(body), scopes(body, wish)
    sane = ends is not None and ends <= now + HOUR + SLACK
    handle: Handle = {"api": api, "until": (now + HOUR).isoformat() if sane else None}
    over = min(order.expires_at, ends) if ends else order.expires_at
    secret = answer(found.text(), "Bearer", username=USERNAME, password=found.text())
    why = amiss(found.text(), status, granted, ends, now)
    return Minted(secret, "Bearer", handle, granted, details(body, wish, order.details), over, amiss=why)


def amiss(text: str, status: int, granted: frozenset[str], ends: datetime | None, now: datetime, made: int = 201, life: timedelta = HOUR) -> str:
    """Empty where the token can be handed over. That it is within what was asked is looked at by whoever asked."""
    if status != made:
        return f"GitHub answered {status}, and gave a token beside it"
    if not usable(text):
        return "GitHub gave a token that no header can carry"
    if not granted:
        return "GitHub gave none of the permissions"
    if ends is None or not now < ends <= now + life + SLACK:
        return "GitHub's token does not live for as long as it should"
    return ""


def dead(until: object, now: datetime) -> bool:
    """As the handle has it: where GitHub said so, that is all that it ever lives."""
    return isinstance(until, str) and datetime.fromisoformat(until) + SLACK < now


def usable(text: str) -> bool:
    return len(text) < LONGEST_TOKEN and text.isascii() and text.isprintable() and " " not in text


def scopes(body: Body, wish: Wish) -> frozenset[str]:
    """`metadata: read` comes with every token and shows no more than that a repository is there; it is no more than was asked."""
    found = body.get("permissions")
    if not isinstance(found, dict) or not found:
        return frozenset({EVERYTHING})
    return frozenset(f"{name}:{level}" for name, level in found.items()) - ({ALWAYS} if "metadata" not in wish.permissions else frozenset())


def details(body: Body, wish: Wish, asked: Details) -> Details:
    """The detail that was asked for where the answer names the same repositories, in whatever case; else one that says what it names."""
    found = names(body)
    if found is not None and {one.casefold() for one in found} == {one.casefold() for one in wish.repositories}:
        return asked
    return ({"type": "github", "repositories": [EVERYTHING] if found is None else sorted(found)},)


def names(body: Body) -> list[str] | None:
    """None where it is all of them, or it is not said which."""
    found = body.get("repositories")
    if body.get("repository_selection") != "selected" or not isinstance(found, list):
        return None
    named = [one.get("full_name") if isinstance(one, dict) else None for one in found]
    return [one for one in named if isinstance(one, str)] if all(isinstance(one, str) for one in named) else None


def expiry(body: Body) -> datetime | None:
    said = body.get("expires_at")
    try:
        ends = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return ends if ends and ends.tzinfo else None
