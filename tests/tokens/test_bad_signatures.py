"""Signatures that are not the issuer's: confused, changed, in another form, or over other claims."""

import hashlib
import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.tokens.forge import MINE, PRIVATE, RSA_KEY, b64, dumps, jwk, refusal, sign, token

BODY = dumps(MINE)


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize(
    "secret",
    [
        RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        jwk("rsa")["n"].encode(),
        b"",
    ],
    ids=["PEM", "DER", "PKCS1", "n", "empty"],
)
def test_the_public_key_is_no_hmac_secret(digest: str, secret: bytes):
    signing_input = b64(dumps({"alg": "HS" + digest[3:], "typ": "JWT", "kid": "rsa"})) + b"." + b64(BODY)
    mac = hmac.digest(secret, signing_input, digest)
    assert refusal(signing_input + b"." + b64(mac)) == "algorithm"
    claimed = b64(dumps({"alg": "RS256", "typ": "JWT", "kid": "rsa"})) + b"." + b64(BODY)
    assert refusal(claimed + b"." + b64(hmac.digest(secret, claimed, digest))) == "bad_signature"


CONFUSED = [("RS256", "PS256"), ("PS256", "RS256"), ("RS256", "RS384"), ("RS512", "RS256"), ("PS384", "PS512")]


@pytest.mark.parametrize(("claimed", "real"), CONFUSED)
def test_a_signature_counts_under_the_named_algorithm_only(claimed: str, real: str):
    signing_input = b64(dumps({"alg": claimed, "typ": "JWT", "kid": "rsa"})) + b"." + b64(BODY)
    assert refusal(signing_input + b"." + b64(sign(real, signing_input))) == "bad_signature"


SIGNATURES = {
    "flipped": lambda good: bytes([good[0] ^ 1]) + good[1:],
    "last octet flipped": lambda good: good[:-1] + bytes([good[-1] ^ 1]),
    "one octet short": lambda good: good[:-1],
    "one octet long": lambda good: good + b"\0",
    "zero in front": lambda good: b"\0" + good,
    "twice": lambda good: good * 2,
    "one octet": lambda _: b"\0",
    "zeros": lambda good: b"\0" * len(good),
    "ones": lambda good: b"\xff" * len(good),
    "one": lambda good: b"\0" * (len(good) - 1) + b"\1",
    "a digest": lambda good: hashlib.sha256(good).digest(),
    "reversed": lambda good: good[::-1],
}


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES512", "EdDSA"])
@pytest.mark.parametrize("change", SIGNATURES.values(), ids=SIGNATURES.keys())
def test_a_changed_signature_is_bad(alg: str, change: Any):
    signing_input, _, signature = token(alg).rpartition(b".")
    good = sign(alg, signing_input)
    assert refusal(signing_input + b"." + b64(change(good))) == "bad_signature"
    assert signature


def test_der_is_no_jose_signature():
    signing_input = token("ES256").rpartition(b".")[0]
    der = PRIVATE["p256"].sign(signing_input, ec.ECDSA(hashes.SHA256()))
    assert refusal(signing_input + b"." + b64(der)) == "bad_signature"


@pytest.mark.parametrize("change", [{"sub": "repo:acme/admin"}, {"aud": "x"}, {"exp": MINE["exp"] + 1}], ids=str)
def test_claims_changed_after_signing_break_the_signature(change: dict[str, object]):
    head, _, seal = token().split(b".")
    assert refusal(head + b"." + b64(dumps(MINE | change)) + b"." + seal) == "bad_signature"


def test_a_header_changed_after_signing_breaks_the_signature():
    _, body, seal = token().split(b".")
    assert refusal(b64(b'{"kid":"rsa","alg":"RS256"}') + b"." + body + b"." + seal) == "bad_signature"
