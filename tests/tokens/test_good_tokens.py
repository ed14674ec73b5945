"""What the gate must let through: every allowed algorithm, and the shapes that live issuers send."""

from datetime import timedelta
from typing import Any

import pytest

from counterfoil_server.runtime.tokens.shape import ALGORITHMS, shape
from tests.tokens.forge import AT, AUDIENCE, ISSUER, MINE, NOW, RSA_KEY, accepted, entry, jwk, key_set, refusal, token


@pytest.mark.parametrize("alg", sorted(ALGORITHMS))
def test_a_good_token_of_every_algorithm_is_accepted(alg: str):
    assert accepted(token(alg)) == MINE


def test_ed448_is_an_eddsa_too():
    assert accepted(token("EdDSA", name="ed448"))["sub"] == MINE["sub"]


def test_the_claims_come_back_as_they_were_signed():
    assert accepted(token(jti="a", repository="acme/web", nested={"deep": [1, {"deeper": "é"}]}))["nested"] == {"deep": [1, {"deeper": "é"}]}


@pytest.mark.parametrize(
    "header",
    [{"typ": ...}, {"kid": "rsa", "nonce": "x"}, {"cty": "JWT"}, {"kid": "rsa", "typ": "JWT", "ver": 2}],
    ids=["no typ", "a private parameter", "cty", "a number of ours"],
)
def test_a_harmless_header_is_accepted(header: dict[str, object]):
    assert accepted(token(header=header)) == MINE


def test_kid_may_be_missing_where_the_issuer_has_one_key():
    assert accepted(token(header={"kid": ...}), keys=key_set(jwk("rsa"))) == MINE
    assert accepted(token(header={"kid": ...}), keys=key_set(jwk("rsa", kid=None))) == MINE


def test_kid_is_an_opaque_name():
    strange = "../../etc/passwd' OR 1=1 -- \N{PILE OF POO}"
    assert accepted(token(header={"kid": strange}), keys=key_set(jwk("other"), jwk("rsa", kid=strange))) == MINE


@pytest.mark.parametrize("spaces", [300, 10_000])
def test_a_large_token_is_accepted(spaces: int):
    assert accepted(token(note="x" * spaces))["note"] == "x" * spaces


def test_kubernetes_sends_its_audience_as_a_list_of_one():
    assert accepted(token(aud=[AUDIENCE]))["aud"] == [AUDIENCE]


def test_an_issuer_may_have_an_audience_of_its_own():
    theirs = entry(audience="sts.example")
    assert accepted(token(aud="sts.example"), theirs)["aud"] == "sts.example"
    assert refusal(token(), theirs) == "wrong_audience"


def test_entra_tokens_carry_an_x5t_that_its_entry_may_ignore():
    assert accepted(token(header={"x5t": "abc"}), entry(ignore_x5t=True)) == MINE


def test_a_further_typ_is_accepted_where_the_entry_names_it():
    assert accepted(token(header={"typ": "at+jwt"}), entry(types=frozenset({"JWT", "at+jwt"}))) == MINE


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": AT - 29, "iat": AT - 500},
        {"iat": AT + 30, "exp": AT + 600},
        {"nbf": AT + 30},
        {"nbf": AT - 60},
        {"iat": AT - 600},
        {"iat": AT - 60, "exp": AT - 60 + 7200},
        {"iat": AT - 60.5, "exp": AT + 540.25},
        {"jti": "once"},
    ],
    ids=str,
)
def test_times_within_the_leeway_and_the_limits_are_accepted(claims: dict[str, Any]):
    assert accepted(token(**claims))["exp"] == claims.get("exp", MINE["exp"])


def test_an_entry_may_allow_older_and_longer_tokens():
    patient = entry(max_age=86400, max_lifetime=2 * 86400)
    assert accepted(token(iat=AT - 80000, exp=AT + 80000), patient)["iat"] == AT - 80000


def test_unused_odd_keys_do_not_spoil_the_set():
    odd = [
        jwk("other", use="enc"),
        jwk("p256", alg="ECDH-ES", use="enc"),
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA", "kid": "k1"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "pq"},
        {"kid": "empty"},
        {"kty": "RSA", "n": 5, "e": [], "kid": "numbers"},
        jwk("p384", kid=7),
    ]
    assert accepted(token(), keys=key_set(jwk("rsa"), *odd)) == MINE


@pytest.mark.parametrize(
    "members",
    [{"use": "sig"}, {"alg": "RS256"}, {"key_ops": ["verify"]}, {"use": "sig", "key_ops": ["sign", "verify"]}, {"x5c": ["MII"], "x5t": "abc"}],
    ids=str,
)
def test_what_issuers_say_of_their_keys_is_understood(members: dict[str, object]):
    assert accepted(token(), keys=key_set(jwk("rsa", **members))) == MINE


def test_shape_reads_without_knowing_the_issuer():
    read = shape(token())
    assert read.unverified_issuer == ISSUER
    assert read.unverified_claims == MINE
    assert read.header == {"alg": "RS256", "typ": "JWT", "kid": "rsa"}
    assert len(read.signature) == RSA_KEY.key_size // 8
    assert token() == read.signing_input + token()[len(read.signing_input) :]


def test_a_token_says_nothing_of_itself_in_a_log():
    assert repr(shape(token())) == "Unverified()"


def test_the_clock_is_the_caller_s():
    assert refusal(token(), now=NOW + timedelta(hours=1)) == "expired"
    assert refusal(token(), now=NOW - timedelta(hours=1)) == "not_yet_valid"
