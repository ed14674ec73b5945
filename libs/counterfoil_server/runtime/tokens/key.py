"""One public key of an issuer, checked as it is read: RFC 7517, RFC 7518 section 6, RFC 8037."""

import hashlib
import json
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from jwt.algorithms import get_default_algorithms

from counterfoil_server.runtime.tokens.notation import base64url
from counterfoil_server.runtime.tokens.roca import fingerprinted

Public = RSAPublicKey | ec.EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey
Jwk = dict[str, object]

PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
SHORTEST, LONGEST = 2048, 8192
CURVES = {"P-256": (ec.SECP256R1(), 32, "ES256"), "P-384": (ec.SECP384R1(), 48, "ES384"), "P-521": (ec.SECP521R1(), 66, "ES512")}
EDWARDS: dict[str, type[Ed25519PublicKey | Ed448PublicKey]] = {"Ed25519": Ed25519PublicKey, "Ed448": Ed448PublicKey}
MATHS = get_default_algorithms()


@dataclass(frozen=True, slots=True)
class Key:
    """Fit for use: what it may verify is decided here, once, and not by the token."""

    thumbprint: str
    algorithms: frozenset[str]
    public: Public

    def verifies(self, alg: str, signing_input: bytes, signature: bytes) -> bool:
        return bool(MATHS[alg].verify(signing_input, self.public, signature))


def key(jwk: Jwk) -> Key:
    """ValueError says what is wrong with it."""
    check_use(jwk)
    match jwk.get("kty"):
        case "RSA":
            return fit(jwk, RSA, rsa(jwk), ("e", "kty", "n"))
        case "EC":
            public, alg = elliptic(jwk)
            return fit(jwk, frozenset({alg}), public, ("crv", "kty", "x", "y"))
        case "OKP":
            return fit(jwk, frozenset({"EdDSA"}), edwards(jwk), ("crv", "kty", "x"))
    raise ValueError("kty is none that verifies")


def fit(jwk: Jwk, algorithms: frozenset[str], public: Public, required: tuple[str, ...]) -> Key:
    if "alg" in jwk:
        algorithms = frozenset(alg for alg in algorithms if alg == jwk["alg"])
    return Key(thumbprint(jwk, required), algorithms, public)


def check_use(jwk: Jwk) -> None:
    if jwk.get("use", "sig") != "sig":
        raise ValueError("use is not sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise ValueError("key_ops has no verify")
    if not PRIVATE.isdisjoint(jwk):
        raise ValueError("it has private members")
    if not isinstance(jwk.get("kid", ""), str):
        raise TypeError("kid is no string")


def rsa(jwk: Jwk) -> RSAPublicKey:
    n, e = number(jwk, "n"), number(jwk, "e")
    if not SHORTEST <= n.bit_length() <= LONGEST:
        raise ValueError(f"RSA wants {SHORTEST} to {LONGEST} bits")
    if n % 2 == 0:
        raise ValueError("the modulus is even")
    if not 1 < e < 2**32 or e % 2 == 0:
        raise ValueError("e is not odd, or not from 3 to 2^32")
    if fingerprinted(n):
        raise ValueError("the modulus has the ROCA fingerprint (CVE-2017-15361)")
    return RSAPublicNumbers(e, n).public_key()


def elliptic(jwk: Jwk) -> tuple[ec.EllipticCurvePublicKey, str]:
    curve, size, alg = CURVES[str(jwk.get("crv"))]
    x, y = octets(jwk, "x"), octets(jwk, "y")
    if len(x) != size or len(y) != size:
        raise ValueError("a coordinate has the wrong size")
    return ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), curve).public_key(), alg


def edwards(jwk: Jwk) -> Ed25519PublicKey | Ed448PublicKey:
    return EDWARDS[str(jwk.get("crv"))].from_public_bytes(octets(jwk, "x"))


def octets(jwk: Jwk, member: str) -> bytes:
    text = jwk.get(member)
    if not isinstance(text, str) or not text:
        raise ValueError(f"{member} is missing")
    return base64url(text.encode())


def number(jwk: Jwk, member: str) -> int:
    value = octets(jwk, member)
    if value[0] == 0:  # RFC 7518 section 2: the minimum number of octets
        raise ValueError(f"{member} begins with a zero")
    return int.from_bytes(value)


def thumbprint(jwk: Jwk, required: tuple[str, ...]) -> str:
    """RFC 7638. The members are canonical base64url here, so equal keys have equal thumbprints."""
    return hashlib.sha256(json.dumps({member: jwk[member] for member in required}, separators=(",", ":")).encode()).hexdigest()
