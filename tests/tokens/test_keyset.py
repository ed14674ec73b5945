"""Key sets: which are refused whole, and which keys are kept but never used."""

import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from counterfoil_server.runtime.tokens.keyset import LARGEST, KeySet
from counterfoil_server.runtime.tokens.notation import base64url
from counterfoil_server.runtime.tokens.rejected import Rejected
from tests.tokens.forge import MINE, RSA_KEY, accepted, b64, jwk, key_set, number, refusal, token

N = RSA_KEY.public_key().public_numbers().n
SHORT = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n  # noqa: S505 it is to be refused


def parsed(raw: bytes) -> str:
    with pytest.raises(Rejected) as caught:
        KeySet.parse(raw)
    return caught.value.code


RAW = {
    "empty": b"",
    "HTML": b"<html>not found</html>",
    "a list": b"[]",
    "null": b"null",
    "no keys": b"{}",
    "keys no list": b'{"keys": {}}',
    "keys null": b'{"keys": null}',
    "a key that is no object": b'{"keys": ["rsa"]}',
    "a key that is null": b'{"keys": [null]}',
    "keys twice": b'{"keys": [], "keys": []}',
    "a member twice": b'{"keys": [{"kid": "a", "kid": "b"}]}',
    "NaN": b'{"keys": [], "a": NaN}',
    "BOM": b'\xef\xbb\xbf{"keys": []}',
    "not UTF-8": b'{"keys": [], "a": "\xff"}',
    "deep": b'{"keys": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "quotes without end": b'{"keys": [[[[[[[[[[[[[[[[[[[ "' + b'\\"' * 100_000,
    "too large": b'{"keys": []' + b" " * LARGEST + b"}",
    "65 keys": json.dumps({"keys": [jwk("rsa", kid=str(place)) for place in range(65)]}).encode(),
    "10^4 keys": json.dumps({"keys": [{}] * 10_000}).encode(),
    "a secret": json.dumps({"keys": [jwk("rsa"), {"kty": "oct", "k": "AAAA", "kid": "hmac"}]}).encode(),
    "a kid twice": json.dumps({"keys": [jwk("rsa"), jwk("other", kid="rsa")]}).encode(),
    "a kid twice, one to encrypt": json.dumps({"keys": [jwk("rsa"), jwk("other", kid="rsa", use="enc")]}).encode(),
    "the same key twice": json.dumps({"keys": [jwk("rsa"), jwk("rsa")]}).encode(),
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW.keys())
def test_a_set_that_breaks_the_rules_is_refused_whole(raw: bytes):
    assert parsed(raw) == "bad_key"


def test_sixty_four_keys_are_read():
    keys = [jwk("rsa", kid=str(place)) for place in range(64)]
    assert accepted(token(header={"kid": "63"}), keys=key_set(*keys)) == MINE


def test_an_empty_set_knows_no_key():
    assert refusal(token(), keys=key_set()) == "unknown_key"


RSA_FAULTS: dict[str, dict[str, Any]] = {
    "use enc": {"use": "enc"},
    "use null": {"use": [None]},
    "use SIG": {"use": "SIG"},
    "use empty": {"use": ""},
    "key_ops without verify": {"key_ops": ["sign"]},
    "key_ops empty": {"key_ops": []},
    "key_ops encrypt": {"key_ops": ["encrypt", "wrapKey"]},
    "key_ops a string": {"key_ops": "verify"},
    "alg another": {"alg": "RS512"},
    "alg PS": {"alg": "PS256"},
    "alg encrypts": {"alg": "RSA-OAEP"},
    "alg HMAC": {"alg": "HS256"},
    "alg none": {"alg": "none"},
    "alg a list": {"alg": ["RS256"]},
    "alg empty": {"alg": ""},
    "private d": {"d": "AQAB"},
    "private p": {"p": "AQAB"},
    "private qi": {"qi": ""},
    "private oth": {"oth": []},
    "secret k": {"k": "AAAA"},
    "no kty": {"kty": None},
    "kty lower case": {"kty": "rsa"},
    "kty of another": {"kty": "EC"},
    "no n": {"n": None},
    "n empty": {"n": ""},
    "n a number": {"n": 5},
    "n padded": {"n": number(N) + "=="},
    "n in standard base64": {"n": "+" + number(N)[1:]},
    "n with a zero in front": {"n": b64(b"\0" + N.to_bytes(256)).decode()},
    "n not ASCII": {"n": "é" + number(N)[1:]},
    "n even": {"n": number(N - 1)},
    "n of 1024 bits": {"n": number(SHORT)},
    "n of 2047 bits": {"n": number(2**2047 - 1)},
    "n of 8193 bits": {"n": number(2**8193 - 1)},
    "n of 100,000 bits": {"n": number(2**100_000 - 1)},
    "no e": {"e": None},
    "e of 1": {"e": number(1)},
    "e of 2": {"e": number(2)},
    "e even": {"e": number(65536)},
    "e of 2^32 + 1": {"e": number(2**32 + 1)},
    "e huge": {"e": number(2**2000 + 1)},
    "e zero": {"e": "AA"},
    "e with a zero in front": {"e": "AAEAAQ"},
    "e not canonical": {"e": "AQAC="},
}


@pytest.mark.parametrize("change", RSA_FAULTS.values(), ids=RSA_FAULTS.keys())
def test_an_rsa_key_with_a_fault_verifies_nothing_and_spoils_nothing(change: dict[str, Any]):
    keys = key_set(jwk("rsa", **change), jwk("p256"))
    assert refusal(token(), keys=keys) == "bad_key"
    assert accepted(token("ES256"), keys=keys) == MINE


@pytest.mark.parametrize(("change", "why"), [("n even", "even"), ("e of 1", "e is not odd"), ("e even", "e is not odd"), ("no n", "n is missing")])
def test_a_fault_says_what_it_is(change: str, why: str):
    """By our own rule, whatever the library behind thinks of it."""
    with pytest.raises(Rejected, match=why):
        key_set(jwk("rsa", **RSA_FAULTS[change])).key("rsa", "RS256")


def test_e_of_3_is_still_a_key():
    assert key_set(jwk("rsa", e=number(3))).key("rsa", "RS256").algorithms


EC = jwk("p256")
EC_FAULTS: dict[str, dict[str, Any]] = {
    "curve of another size": {"crv": "P-384"},
    "curve P-521": {"crv": "P-521"},
    "curve secp256k1": {"crv": "secp256k1"},
    "curve of Edwards": {"crv": "Ed25519"},
    "curve missing": {"crv": None},
    "curve a list": {"crv": ["P-256"]},
    "x missing": {"x": None},
    "y missing": {"y": None},
    "not on the curve": {"x": EC["y"], "y": EC["x"]},
    "zero": {"x": b64(b"\0" * 32).decode(), "y": b64(b"\0" * 32).decode()},
    "beyond the field": {"x": b64(b"\xff" * 32).decode()},
    "x with a zero in front": {"x": b64(b"\0" + base64url(EC["x"].encode())).decode()},
    "x short": {"x": EC["x"][:-3]},
    "private d": {"d": EC["x"]},
    "alg of another curve": {"alg": "ES384"},
    "use enc": {"use": "enc"},
}


@pytest.mark.parametrize("change", EC_FAULTS.values(), ids=EC_FAULTS.keys())
def test_an_elliptic_key_with_a_fault_verifies_nothing(change: dict[str, Any]):
    assert refusal(token("ES256"), keys=key_set(jwk("p256", **change))) == "bad_key"


@pytest.mark.parametrize(
    "change",
    [{"crv": "X25519"}, {"crv": "Ed448"}, {"crv": "P-256"}, {"crv": None}, {"x": None}, {"x": "AA"}, {"d": "AA"}, {"alg": "ES256"}, {"kty": "EC"}],
    ids=str,
)
def test_an_edwards_key_with_a_fault_verifies_nothing(change: dict[str, Any]):
    assert refusal(token("EdDSA"), keys=key_set(jwk("ed25519", **change))) == "bad_key"


def test_the_alg_of_a_key_binds_it_to_that_algorithm():
    bound = key_set(jwk("rsa", alg="PS256"))
    assert accepted(token("PS256"), keys=bound) == MINE
    assert refusal(token("RS256"), keys=bound) == "bad_key"


def test_a_kid_that_is_no_string_cannot_be_chosen():
    assert refusal(token(header={"kid": ...}), keys=key_set(jwk("rsa", kid=5))) == "bad_key"


def test_the_thumbprint_names_the_bytes():
    one, other = key_set(jwk("rsa")), key_set(jwk("rsa"), jwk("other"))
    assert one.thumbprint == key_set(jwk("rsa")).thumbprint != other.thumbprint
    assert len(bytes.fromhex(one.thumbprint)) == 32


def test_a_key_is_parsed_once():
    keys = key_set(jwk("rsa"))
    assert keys.key("rsa", "RS256") is keys.key("rsa", "PS256")


def test_thumbprints_are_those_of_rfc_7638():
    """Section 3.1 gives a key and its thumbprint; here the members of ours in that very form."""
    canonical = f'{{"e":"AQAB","kty":"RSA","n":"{number(N)}"}}'
    assert key_set(jwk("rsa")).key("rsa", "RS256").thumbprint == hashlib.sha256(canonical.encode()).hexdigest()
