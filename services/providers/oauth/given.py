"""What a token endpoint gave, and why it may not be handed over. RFC 6749 section 5.1, RFC 7662 section 2.2."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from counterfoil.wire.secret import Secret
from services.providers.oauth.wish import Wish
from services.providers.seam import Details
from services.providers.web.talk import Heard

LONGEST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Given:
    """None: the server did not say. RFC 6749 reads a scope that is left out as the one that was asked for; servers that dropped it do so, too."""

    token: Secret
    sound: bool
    scopes: frozenset[str] | None
    lives: timedelta | None
    audience: frozenset[str] | None = None
    dead: bool = False
    """By introspection; so `shown`."""
    details: Details | None = None
    shown: Details | None = None

    @property
    def said(self) -> Details:
        """Whatever was said anywhere: all of it has to be within what was asked."""
        return (*(self.details or ()), *(self.shown or ()))

    @property
    def granted(self) -> Details:
        return (self.details if self.shown is None else self.shown) or ()

    @property
    def complete(self) -> bool:
        return self.scopes is not None and self.lives is not None

    def proven(self, found: Mapping[str, object], now: datetime) -> "Given":
        """With what introspection says of it, which is what a resource server would be told."""
        if not found["active"]:
            return replace(self, dead=True)
        scopes, exp, aud = spaced(found.get("scope")), found.get("exp"), found.get("aud")
        lives = self.lives or (positive(exp - now.timestamp()) if isinstance(exp, int | float) else None)
        shown = detailed(found.get("authorization_details"))
        return replace(self, scopes=self.scopes if scopes is None else scopes, lives=lives, audience=listed(aud), shown=shown)

    def amiss(self, wish: Wish) -> str:
        """Empty where it is what it should be. That its scopes are within what was asked is looked at by whoever asked."""
        if not self.sound:
            return "the server gave a token that is no bearer token, or said no beside it"
        if self.scopes is None and (wish.scopes or self.shown is None):
            return "the server does not say which scopes it gave, and introspection does not, either"
        if not self.scopes and wish.scopes:
            return "the server gave none of the scopes"
        if self.lives is None:
            return "the server does not say how long its token lives"
        if self.lives > LONGEST:
            return "the server's tokens live longer than a day: set a shorter life for this client there"
        if wish.resources and not (self.audience and self.audience <= set(wish.resources)):
            return "the server does not show that the token is for the resource alone"
        if wish.details and not self.granted:
            return "the server does not say which of the details it gave"
        return "the server says of the token that it just gave that it is not active" if self.dead else ""


def given(heard: Heard) -> Given | None:
    """A token is a token, whatever the status beside it: then it has to die. None where there is none."""
    token = heard.body.get("access_token")
    if not isinstance(token, str) or not token:
        return None
    kind = heard.body.get("token_type")
    sound = heard.status == 200 and heard.error is None and isinstance(kind, str) and kind.lower() == "bearer" and printable(token)
    lives = heard.body.get("expires_in")
    seconds = int(lives) if isinstance(lives, str) and lives.isascii() and lives.isdigit() and len(lives) < 10 else lives
    details = detailed(heard.body.get("authorization_details"))
    return Given(Secret(token), sound, spaced(heard.body.get("scope")), positive(seconds), details=details)


def printable(token: str) -> bool:
    """It ends in a header of whoever uses it."""
    return token.isascii() and token.isprintable() and " " not in token


def spaced(scope: object) -> frozenset[str] | None:
    return frozenset(scope.split()) if isinstance(scope, str) else None


def listed(audience: object) -> frozenset[str] | None:
    if isinstance(audience, str):
        return frozenset({audience})
    return frozenset(map(str, audience)) if isinstance(audience, list) else None


def detailed(said: object) -> Details | None:
    """What cannot be read is within nothing that was asked."""
    if said is None:
        return None
    return tuple(said) if isinstance(said, list) and all(isinstance(one, dict) for one in said) else ({},)


def positive(seconds: object) -> timedelta | None:
    """0 is what some servers say of tokens that never end."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        return None
    return timedelta(seconds=min(seconds, 10**9))


def dead(until: object, now: datetime) -> bool:
    """By its own expiry, as the handle has it."""
    return isinstance(until, str) and datetime.fromisoformat(until) < now.astimezone(UTC)
