"""What a token says, before anything of it is proven: bytes, base64url, JSON and header, without knowing the issuer."""

from dataclasses import dataclass
from typing import NoReturn

from counterfoil_server.runtime.tokens.notation import base64url, json_object
from counterfoil_server.runtime.tokens.rejected import Rejected, closed

LARGEST = 16 * 1024
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
# They let a token bring or point to its own key, or change what is signed. `x5t` is judged with the issuer's entry: gate.py.
REFUSED = frozenset({"jwk", "jku", "x5u", "x5c", "x5t#S256", "crit", "b64", "zip", "enc"})
LONGEST_KID = 256


@dataclass(frozen=True, slots=True, repr=False)
class Unverified:
    """A token that is well formed. Nothing of it is true yet."""

    header: dict[str, object]
    unverified_claims: dict[str, object]
    signing_input: bytes
    signature: bytes
    unverified_issuer: str

    def __repr__(self) -> str:
        return "Unverified()"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not pickled")


@closed
def shape(token: bytes) -> Unverified:
    """Read a compact JWS strictly. Raises Rejected, and nothing else."""
    if len(token) > LARGEST:
        raise Rejected("oversized", f"a token has at most {LARGEST} bytes")
    head, body, sealed = parts(token)
    header = json_object(base64url(head))
    check_header(header)
    claims = json_object(base64url(body))
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not issuer:
        raise Rejected("bad_claims", "iss must be a string")
    return Unverified(header, claims, token[: len(token) - len(sealed) - 1], base64url(sealed), issuer)


def parts(token: bytes) -> list[bytes]:
    found = token.split(b".", 3)
    if len(found) != 3 or not all(found):
        raise Rejected("malformed", "a token is three parts of base64url, none of them empty")
    return found


def check_header(header: dict[str, object]) -> None:
    """Section 4 of RFC 7515, less what a token must not say of itself."""
    if not REFUSED.isdisjoint(header):
        raise Rejected("bad_header", "the header has a parameter that is never accepted: " + min(REFUSED.intersection(header)))
    alg = header.get("alg")
    if not isinstance(alg, str):
        raise Rejected("bad_header", "alg must be a string")
    if alg not in ALGORITHMS:
        raise Rejected("algorithm", "the token is not signed with an algorithm that is ever accepted")
    if not isinstance(header.get("typ", ""), str):
        raise Rejected("bad_header", "typ must be a string")
    kid = header.get("kid", "")
    if not isinstance(kid, str) or len(kid) > LONGEST_KID:
        raise Rejected("bad_header", f"kid must be a string of at most {LONGEST_KID} characters")
