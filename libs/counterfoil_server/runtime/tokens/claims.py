"""What a token with a good signature must say: of whom, for whom, and when. RFC 7519 section 4.1."""

from datetime import datetime

from counterfoil.contracts.registry import Issuer
from counterfoil_server.runtime.tokens.rejected import Rejected

LEEWAY = 30
END_OF_TIME = 253402300799  # 9999-12-31T23:59:59Z: what a datetime can hold


def check_claims(claims: dict[str, object], issuer: Issuer, audience: str, now: datetime) -> None:
    if claims.get("aud") not in (audience, [audience]):  # a list of one is what Kubernetes sends; ours beside others is not ours alone
        raise Rejected("wrong_audience", "aud must be this installation, and nothing else")
    check_times(claims, issuer, now.timestamp())
    for name in ("sub", "jti"):
        text = claims.get(name, None if name == "sub" else "-")
        if not isinstance(text, str) or not text:
            raise Rejected("bad_claims", f"{name} must be a string that is not empty")


def check_times(claims: dict[str, object], issuer: Issuer, now: float) -> None:
    issued, expires = seconds(claims, "iat"), seconds(claims, "exp")
    if now >= expires + LEEWAY:
        raise Rejected("expired", "the token has expired")
    if issued > now + LEEWAY or ("nbf" in claims and seconds(claims, "nbf") > now + LEEWAY):
        raise Rejected("not_yet_valid", "the token is not valid yet: is a clock wrong?")
    if expires <= issued:
        raise Rejected("bad_claims", "exp must be after iat")
    if expires - issued > issuer.max_lifetime:
        raise Rejected("too_long", f"the token lives longer than the issuer's entry allows: {issuer.max_lifetime} s")
    if now - issued > issuer.max_age:
        raise Rejected("too_old", f"the token was issued longer ago than the issuer's entry allows: {issuer.max_age} s")


def seconds(claims: dict[str, object], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= END_OF_TIME:
        raise Rejected("bad_claims", f"{name} must be a number of seconds since 1970")
    return value
