"""A login that has begun: all that it is checked by is made of 32 bytes which only this browser holds.

`state` is an HMAC over where the login leads and when it began, under a key of those bytes: a changed cookie has another state, and needs no key of
ours, so that any replica can finish what another began. RFC 6749, section 10.12; RFC 7636.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.tokens.claims import END_OF_TIME
from services.console.gate import local
from services.console.sessions.cookie import fresh, octets, text

LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Begun:
    """`fresh`: a step-up, for which an earlier sign-in does not do."""

    secret: Secret = field(repr=False)
    at: int
    fresh: bool
    then: str

    @classmethod
    def now(cls, now: datetime, then: str, *, fresh_: bool) -> Self:
        return cls(fresh().secret, int(now.timestamp()), fresh_, local(then))

    @property
    def state(self) -> str:
        return self._made(json.dumps([self.at, self.fresh, self.then]))

    @property
    def nonce(self) -> str:
        return self._made("nonce")

    @property
    def verifier(self) -> str:
        return self._made("verifier")

    @property
    def challenge(self) -> str:
        return text(hashlib.sha256(self.verifier.encode()).digest())

    @property
    def began_at(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    @property
    def ends_at(self) -> datetime:
        return self.began_at + LIFETIME

    @property
    def cookie(self) -> str:
        """Quoted by none: base64url all of it."""
        return f"{text(self.secret.reveal())}.{text(json.dumps([self.at, self.fresh, self.then]).encode())}"

    def _made(self, what: str) -> str:
        return text(hmac.new(self.secret.reveal(), what.encode(), hashlib.sha256).digest())


def read(cookie: str) -> Begun | None:
    """None where it is none of ours. Nothing of it counts before its state is the one that came back."""
    secret, _, rest = cookie.partition(".")
    key = octets(secret)
    if key is None:
        return None
    try:
        at, fresh_, then = json.loads(decoded(rest))
    except (ValueError, TypeError):
        return None
    if not (isinstance(at, int) and isinstance(fresh_, bool) and isinstance(then, str) and 0 <= at < END_OF_TIME - LIFETIME.total_seconds()):
        return None
    return Begun(Secret(key), at, fresh_, local(then))


def decoded(given: str) -> bytes:
    return urlsafe_b64decode(given.encode("ascii") + b"=" * (-len(given) % 4))
