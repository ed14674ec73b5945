"""What the answer to a TokenRequest says it gave. What it leaves unsaid counts as everything."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from services.providers.seam import Details, Handle, Minted, Order, answer
from services.providers.web.document import Body
from services.providers.web.header import printable

EVERYTHING = "*"
SLACK = timedelta(minutes=2)
"""The cluster's clock may be ahead of ours."""


def member(body: object, name: str) -> Body:
    found = body.get(name) if isinstance(body, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def token(body: Body) -> str | None:
    found = member(body, "status").get("token")
    return found if isinstance(found, str) and found else None


def lent(order: Order, status: int, body: Body, handle: Handle, wanted: Mapping[str, object], latest: datetime) -> Minted:
    """`wanted`: the spec that was sent."""
    text, ends = token(body) or "", expiry(body)
    over = min(order.expires_at, ends) if ends else order.expires_at
    secret = answer(text, "Bearer", server=str(handle["server"]), namespace=str(handle["namespace"]))
    named = member(body, "metadata").get("name", handle["account"])
    scopes = order.scopes if named == handle["account"] else frozenset({EVERYTHING})
    why = amiss(text, status, body, wanted, latest)
    return Minted(secret, "Bearer", handle, scopes, details(body, order.details, wanted["audiences"]), over, amiss=why)


def details(body: Body, asked: Details, wanted: object) -> Details:
    """Who asks for no audience gets the API server's own, whatever that is called there."""
    found = member(body, "spec").get("audiences")
    listed = sorted(map(str, found)) if isinstance(found, list) else [EVERYTHING]
    if not wanted or (isinstance(wanted, list) and listed == sorted(wanted)):
        return asked
    return ({"type": "kubernetes", "audiences": listed},)


def amiss(text: str, status: int, body: Body, wanted: Mapping[str, object], latest: datetime) -> str:
    """Empty where it can be handed over."""
    bound, asked, ends = member(member(body, "spec"), "boundObjectRef"), wanted["boundObjectRef"], expiry(body)
    if status != 201:
        return f"the cluster answered {status}, and gave a token beside it"
    if not printable(text):
        return "the cluster gave a token that no header can carry"
    if not isinstance(asked, Mapping) or bound.get("name") != asked["name"] or bound.get("uid") != asked["uid"]:
        return "the cluster's token is not bound to the object that it dies with"
    if ends is None or ends > latest + SLACK:
        return "the cluster's token lives longer than was asked, or it is not said how long"
    return ""


def expiry(body: Body) -> datetime | None:
    said = member(body, "status").get("expirationTimestamp")
    try:
        ends = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    return ends if ends and ends.tzinfo else None
