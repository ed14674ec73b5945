"""Makes tokens, good and bad: keys for every algorithm, and a signer that signs whatever bytes it is given."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import get_default_algorithms

from counterfoil.contracts.registry import Issuer, Mapped
from counterfoil_server.runtime.tokens.gate import verified
from counterfoil_server.runtime.tokens.keyset import KeySet
from counterfoil_server.runtime.tokens.rejected import Rejected
from counterfoil_server.runtime.tokens.shape import ALGORITHMS, shape
from counterfoil_server.runtime.tokens.signatures import Signatures

ISSUER = "https://issuer.example"
AUDIENCE = "https://counterfoil.example"
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
MATHS = get_default_algorithms()
RSA_KEY = rsa.generate_private_key(65537, 2048)
PRIVATE: dict[str, Any] = {
    "rsa": RSA_KEY,
    "other": rsa.generate_private_key(65537, 2048),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
    "ed25519": Ed25519PrivateKey.generate(),
    "ed448": Ed448PrivateKey.generate(),
}
KEY_OF = {"ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed25519"}
MINE: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": "repo:acme/web", "iat": AT - 60, "exp": AT + 540}


def entry(**changes: Any) -> Issuer:
    words: dict[str, Any] = {"name": "example", "issuer": ISSUER, "project": Mapped(value="web"), "environment": Mapped(value="production")}
    return Issuer(**words | {"algorithms": ALGORITHMS} | changes)


def b64(value: bytes) -> bytes:
    return urlsafe_b64encode(value).rstrip(b"=")


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8)).decode()


def jwk(name: str, **changes: Any) -> dict[str, Any]:
    """The public key as an issuer publishes it; a change to None takes the member out."""
    private = PRIVATE[name]
    algorithm = "RS256" if name in {"rsa", "other"} else "ES256" if name.startswith("p") else "EdDSA"
    algorithm = {"p384": "ES384", "p521": "ES512"}.get(name, algorithm)
    members = MATHS[algorithm].to_jwk(private.public_key(), as_dict=True)
    members.pop("key_ops", None)
    return {member: value for member, value in (dict(members) | {"kid": name} | changes).items() if value is not None}


def key_set(*jwks: dict[str, Any]) -> KeySet:
    return KeySet.parse(json.dumps({"keys": list(jwks)}).encode())


KEYS = key_set(*(jwk(name) for name in PRIVATE))


def sign(alg: str, signing_input: bytes, name: str | None = None) -> bytes:
    return MATHS[alg].sign(signing_input, PRIVATE[name or KEY_OF.get(alg, "rsa")])


def signed(head: bytes, body: bytes, alg: str = "RS256", name: str | None = None) -> bytes:
    """Whatever stands in the parts, the signature is good."""
    signing_input = b64(head) + b"." + b64(body)
    return signing_input + b"." + b64(sign(alg, signing_input, name))


def token(alg: str = "RS256", header: dict[str, Any] | None = None, name: str | None = None, **claims: Any) -> bytes:
    """A good token with these changes; a claim or parameter that is `...` is left out."""
    head = {"alg": alg, "typ": "JWT", "kid": name or KEY_OF.get(alg, "rsa")} | (header or {})
    return signed(dumps(head), dumps(MINE | claims), alg, name)


def dumps(members: dict[str, Any]) -> bytes:
    return json.dumps({member: value for member, value in members.items() if value is not ...}).encode()


def as_json(claim: str, text: str) -> bytes:
    """Good claims, one of them as this very text."""
    return dumps(MINE | {claim: "HERE"}).replace(b'"HERE"', text.encode())


def accepted(
    raw: bytes, issuer: Issuer | None = None, keys: KeySet = KEYS, now: datetime = NOW, signatures: Signatures | None = None
) -> dict[str, object]:
    return verified(shape(raw), issuer or entry(), keys, AUDIENCE, now, signatures)


def refusal(raw: bytes, issuer: Issuer | None = None, keys: KeySet = KEYS, now: datetime = NOW, signatures: Signatures | None = None) -> str:
    """The code it is rejected with. The no itself must tell nothing of the token."""
    with pytest.raises(Rejected) as caught:
        accepted(raw, issuer, keys, now, signatures)
    told = f"{caught.value} {caught.value!r}"
    assert caught.value.__context__ is None, "a JSONDecodeError would carry the whole document"
    for part in raw.split(b"."):
        assert len(part) < 16 or part.decode(errors="replace") not in told
    return caught.value.code
