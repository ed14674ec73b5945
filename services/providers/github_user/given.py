"""What GitHub gave for a user: at its login, and as a token of its own for one credential."""

from datetime import datetime, timedelta

from counterfoil.wire.secret import Secret
from services.providers.consenting import Kept
from services.providers.github.given import EVERYTHING, SLACK, USERNAME, amiss, expiry, names, scopes
from services.providers.github.wish import Wish
from services.providers.github_user.config import Config
from services.providers.oauth.given import Given
from services.providers.seam import Details, Handle, Minted, Order, answer
from services.providers.web.document import Body

LIFE = timedelta(hours=8)
ENOUGH = timedelta(hours=4)
"""What is kept is not renewed while it lives for this long: nobody documents what becomes of the tokens that were made of it."""


def kept(found: Given, now: datetime) -> Kept | None:
    """None where it is nothing to make tokens of."""
    return Kept(found.token, now + min(found.lives, LIFE)) if found.sound and found.lives else None


def spent(kept: Kept, order: Order, now: datetime) -> bool:
    return kept.until < min(order.expires_at, now + ENOUGH)


def wrong(found: Given, refresh: Secret | None) -> str:
    """Why a user's agreement must not be kept; empty where it can be."""
    if not found.sound:
        return "GitHub gave a token that is no bearer token, or said no beside it"
    if found.scopes:
        return "GitHub gave the token of an OAuth app, which cannot be narrowed: declare a GitHub App"
    if refresh is None or found.lives is None:
        return "the app's user tokens do not expire: switch their expiry on, under Optional features of the app at GitHub"
    return ""


def lent(order: Order, wish: Wish, found: Secret, status: int, body: Body, config: Config, now: datetime) -> Minted:
    """Over when the lent time is: it lives on at GitHub, as long as what it was made of, so it is ended before."""
    said = installation(body)
    ends, granted = expiry(body), scopes(said, wish)
    sane = ends is not None and ends <= now + LIFE + SLACK
    handle: Handle = {"api": config.api, "client_id": config.client_id, "until": ends.isoformat() if ends and sane else None}
    over = min(order.expires_at, ends) if ends else order.expires_at
    secret = answer(found.text(), "Bearer", username=USERNAME, password=found.text())
    why = amiss(found.text(), status, granted, ends, now, made=200, life=LIFE)
    return Minted(secret, "Bearer", handle, granted, details(said, wish, order.details), over, amiss=why)


def installation(body: Body) -> Body:
    """Of the app, as this token sees it; {} where that is not said."""
    found = body.get("installation")
    return found if isinstance(found, dict) else {}


def details(said: Body, wish: Wish, asked: Details) -> Details:
    """GitHub does not name the repositories, only whose they are and that they were selected. Where it does, they are those that were asked for."""
    account, listed = said.get("account"), names(said)
    whose = account.get("login") if isinstance(account, dict) else None
    told = said.get("repository_selection") == "selected" and isinstance(whose, str) and whose.casefold() == wish.account.casefold()
    if told and ("repositories" not in said or same(listed, wish)):
        return asked
    return ({"type": "github", "repositories": [EVERYTHING] if listed is None else sorted(listed)},)


def same(listed: list[str] | None, wish: Wish) -> bool:
    return listed is not None and {one.casefold() for one in listed} == {one.casefold() for one in wish.repositories}
