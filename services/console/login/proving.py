"""The id_token, proven: OpenID Connect Core 1.0, section 3.1.3.7, by the gate that everybody's tokens go through, and what only a login has."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.tokens.claims import END_OF_TIME, LEEWAY
from counterfoil_server.runtime.tokens.gate import verified
from counterfoil_server.runtime.tokens.jwks import Jwks, Unavailable
from counterfoil_server.runtime.tokens.rejected import Rejected
from counterfoil_server.runtime.tokens.shape import shape
from services.console.login.begun import Begun
from services.console.login.failed import Failed, away, rejected
from services.console.login.provider import Provider
from services.console.sessions.keeper import LONGEST

LONGEST_NAME = 100
UNTOLD = datetime.fromtimestamp(0, UTC)
"""When somebody signed in whose issuer does not say: never recently."""


@dataclass(frozen=True, slots=True)
class Person:
    subject: str = field(repr=False)
    name: str
    signed_in_at: datetime
    ends_at: datetime


async def person(jwks: Jwks, provider: Provider, client_id: str, begun: Begun, token: Secret, now: datetime) -> Person:
    """Raises Failed."""
    try:
        unverified = shape(token.reveal())
        kid = unverified.header.get("kid")
        keys = await jwks.keys(provider.entry, None if kid is None else str(kid))
        claims = verified(unverified, provider.entry, keys, client_id, now)
    except Rejected as no:
        raise rejected(no.code, no.message.replace("this installation", "this console")) from None
    except Unavailable:
        raise away("the issuer's keys cannot be had now") from None
    check(claims, client_id, begun)
    signed_in_at = signed_in(claims, begun, now)
    return Person(str(claims["sub"]), name(claims), signed_in_at, datetime.fromtimestamp(float(str(claims["exp"])), UTC))


def check(claims: dict[str, Any], client_id: str, begun: Begun) -> None:
    if claims.get("azp", client_id) != client_id:
        raise rejected("wrong_audience", "azp is another client's")
    if claims.get("nonce") != begun.nonce:
        raise rejected("wrong_nonce", "its nonce is not that of the sign-in which began here")


def signed_in(claims: dict[str, Any], begun: Begun, now: datetime) -> datetime:
    """When they last proved who they are, which may be long before this login. A step-up wants that it was after it began."""
    at = claims.get("auth_time")
    if at is None and not begun.fresh:
        return UNTOLD
    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at <= END_OF_TIME:
        raise Failed(
            "no_auth_time", "the issuer does not say when you signed in, so that a step-up cannot be proven",
            "whoever runs the issuer: give this client's id_tokens `auth_time` (OpenID Connect Core, section 2)", 403, again=False,
        )  # fmt: skip
    earliest = begun.at if begun.fresh else now.timestamp() - LONGEST.total_seconds()
    if at < earliest - LEEWAY:
        raise Failed(
            "too_long_ago",
            "the issuer did not ask you to sign in anew, as it was told to (max_age)",
            "sign out at the issuer, then sign in again",
            403,
        )
    if at > now.timestamp() + LEEWAY:
        raise rejected("bad_claims", "auth_time lies ahead: is a clock wrong?")
    return datetime.fromtimestamp(min(at, now.timestamp()), UTC)


def name(claims: dict[str, Any]) -> str:
    """What they are called; to be shown and nothing else."""
    for member in ("name", "preferred_username", "email", "sub"):
        found = claims.get(member)
        if isinstance(found, str) and (shown := "".join(filter(str.isprintable, found)).strip()):
            return shown[:LONGEST_NAME]
    return "somebody"
