"""The header: which algorithm and key a token may name, and what it must not say of itself."""

from typing import Any

import pytest

from tests.tokens.forge import ISSUER, KEYS, MINE, accepted, b64, dumps, entry, jwk, key_set, refusal, signed, token

BODY = dumps(MINE)
REFUSED: list[tuple[str, Any]] = [
    ("jwk", jwk("other")),
    ("jwk", None),
    ("jku", f"{ISSUER}/jwks"),
    ("jku", "http://169.254.169.254/latest/meta-data"),
    ("x5u", "https://attacker.example/cert"),
    ("x5c", ["MIIB"]),
    ("x5c", []),
    ("x5t", "abc"),
    ("x5t", None),
    ("x5t#S256", "abc"),
    ("crit", []),
    ("crit", ["exp"]),
    ("crit", ["b64"]),
    ("b64", True),
    ("b64", False),
    ("zip", "DEF"),
    ("enc", "A256GCM"),
]


@pytest.mark.parametrize(("parameter", "value"), REFUSED, ids=[f"{name}={str(value)[:20]}" for name, value in REFUSED])
def test_a_parameter_that_brings_its_own_rules_is_refused_beside_a_good_signature(parameter: str, value: object):
    assert refusal(token(header={parameter: value})) == "bad_header"


@pytest.mark.parametrize("typ", ["jwt", "JWS", "JWE", "at+jwt", "dpop+jwt", "logout+jwt", "", " JWT", "application/jwt", "JWT\n"], ids=repr)
def test_a_typ_that_the_entry_does_not_name_is_refused(typ: str):
    assert refusal(token(header={"typ": typ})) == "bad_header"


@pytest.mark.parametrize("parameter", ["typ", "kid", "alg"])
@pytest.mark.parametrize("value", [None, 1, True, ["RS256"], {"alg": "RS256"}, 1.5], ids=repr)
def test_a_parameter_of_another_type_is_refused(parameter: str, value: object):
    head = {"alg": "RS256", "typ": "JWT", "kid": "rsa"} | {parameter: value}
    assert refusal(signed(dumps(head), BODY)) == "bad_header"


def test_a_missing_alg_is_refused():
    assert refusal(signed(b'{"typ":"JWT","kid":"rsa"}', BODY)) == "bad_header"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "rs256", "RS256 ", "RS1", "ES256K", "Ed25519"])
@pytest.mark.parametrize("signature", [b"AA", b64(b"\0" * 256)], ids=["short", "zeros"])
def test_an_algorithm_beyond_the_ten_is_refused(alg: str, signature: bytes):
    head = b64(dumps({"alg": alg, "typ": "JWT", "kid": "rsa"}))
    assert refusal(head + b"." + b64(BODY) + b"." + signature) == "algorithm"


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS256", "ES256", "EdDSA"])
def test_an_algorithm_that_the_entry_does_not_allow_is_refused(alg: str):
    assert refusal(token(alg), entry(algorithms=frozenset({"RS256"}))) == "algorithm"


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "none", "ES256K", "RS1"])
def test_an_entry_cannot_allow_what_is_never_accepted(alg: str):
    careless = entry(algorithms=frozenset({alg}))
    assert refusal(signed(dumps({"alg": alg, "kid": "rsa"}), BODY), careless) == "algorithm"


WRONG_KEYS = [
    *(("RS256", kid) for kid in ("p256", "ed25519")),
    *(("PS256", kid) for kid in ("p256", "ed448")),
    *(("ES256", kid) for kid in ("rsa", "p384", "p521", "ed25519")),
    *(("ES384", kid) for kid in ("rsa", "p256", "p521")),
    *(("ES512", kid) for kid in ("p256", "p384")),
    *(("EdDSA", kid) for kid in ("rsa", "p256")),
]


@pytest.mark.parametrize(("alg", "kid"), WRONG_KEYS)
def test_the_key_must_fit_the_algorithm(alg: str, kid: str):
    assert refusal(token(alg, header={"kid": kid})) == "bad_key"


def test_another_key_of_the_same_set_does_not_do():
    assert refusal(token(header={"kid": "other"})) == "bad_signature"
    assert refusal(token("EdDSA", header={"kid": "ed448"})) == "bad_signature"


KIDS = ["", "RSA", "rsa ", " rsa", "rsa\u200b", "../rsa", "rsa/../rsa", "rsa' OR '1'='1", "*", "%", "file:///dev/null", "0", "x" * 256, "rsa,other"]


@pytest.mark.parametrize("kid", KIDS, ids=repr)
def test_a_kid_that_is_not_there_is_unknown(kid: str):
    assert refusal(token(header={"kid": kid})) == "unknown_key"


def test_a_kid_that_is_too_long_is_refused():
    assert refusal(token(header={"kid": "x" * 257})) == "bad_header"


def test_a_missing_kid_is_refused_where_there_is_a_choice():
    assert refusal(token(header={"kid": ...})) == "unknown_key"
    assert refusal(token(header={"kid": ...}), keys=key_set()) == "unknown_key"


def test_a_kid_is_wanted_exactly_even_where_there_is_no_choice():
    assert refusal(token(header={"kid": "else"}), keys=key_set(jwk("rsa"))) == "unknown_key"
    assert refusal(token(), keys=key_set(jwk("rsa", kid=None))) == "unknown_key"


def test_the_table_has_its_control():
    assert accepted(token(), keys=KEYS) == MINE
