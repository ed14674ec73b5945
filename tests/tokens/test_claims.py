"""What a well signed token must say."""

from typing import Any

import pytest

from tests.tokens.forge import AT, AUDIENCE, ISSUER, accepted, as_json, entry, refusal, signed, token

ISSUERS = [
    ISSUER + "/",
    ISSUER.upper(),
    "HTTPS://issuer.example",
    "https://Issuer.example",
    "http://issuer.example",
    "https://issuer.example:443",
    "https://issuer.example.",
    "https://issuer.example/tenant",
    "https://issuer.example.attacker.example",
    "https://attacker.example/?https://issuer.example",
    " https://issuer.example",
    "https://issuer.example\n",
    "https://\u0456ssuer.example",
    "issuer.example",
    "*",
]


@pytest.mark.parametrize("issuer", ISSUERS, ids=repr)
def test_the_issuer_is_compared_byte_for_byte(issuer: str):
    assert refusal(token(iss=issuer)) == "unknown_issuer"


AUDIENCES = [
    ...,
    None,
    "",
    [],
    [None],
    True,
    1,
    {},
    {AUDIENCE: True},
    "https://other.example",
    AUDIENCE + "/",
    AUDIENCE.upper(),
    AUDIENCE + " ",
    AUDIENCE[:-1],
    f"{AUDIENCE},https://other.example",
    f"{AUDIENCE} https://other.example",
    [AUDIENCE, "https://other.example"],
    ["https://other.example", AUDIENCE],
    [AUDIENCE, AUDIENCE],
    [[AUDIENCE]],
    ["https://other.example"],
    "https://github.com/acme",
    "sts.amazonaws.com",
]


@pytest.mark.parametrize("audience", AUDIENCES, ids=repr)
def test_the_audience_is_ours_alone(audience: object):
    assert refusal(token(aud=audience)) == "wrong_audience"


NO_TIMES: list[Any] = [..., None, True, False, "1780315200", "soon", "", [], [AT], {}, -1, -0.5, 253402300800, 1e300, 10**400, f"{AT}"]


@pytest.mark.parametrize("value", NO_TIMES, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
def test_a_time_is_a_number_of_seconds(claim: str, value: Any):
    if claim == "nbf" and value is ...:
        assert accepted(token(nbf=...))
    else:
        assert refusal(token(**{claim: value})) == "bad_claims"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400", "0x6a", "1_000", "1."])
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
def test_a_time_that_json_has_no_number_for_is_malformed(claim: str, text: str):
    assert refusal(signed(b'{"alg":"RS256","kid":"rsa"}', as_json(claim, text))) == "malformed"


TIMES = {
    "just expired": ({"exp": AT - 30, "iat": AT - 500}, "expired"),
    "long expired": ({"exp": 1, "iat": 0}, "expired"),
    "expires at 0": ({"exp": 0}, "expired"),
    "issued in a minute": ({"iat": AT + 60}, "not_yet_valid"),
    "issued 31 s ahead": ({"iat": AT + 31}, "not_yet_valid"),
    "issued in an hour": ({"iat": AT + 3600, "exp": AT + 7000}, "not_yet_valid"),
    "not before a minute on": ({"nbf": AT + 60}, "not_yet_valid"),
    "not before a fraction too late": ({"nbf": AT + 30.5}, "not_yet_valid"),
    "issued 601 s ago": ({"iat": AT - 601}, "too_old"),
    "issued an hour ago": ({"iat": AT - 3600}, "too_old"),
    "lives 7201 s": ({"iat": AT, "exp": AT + 7201}, "too_long"),
    "lives a year": ({"exp": AT + 366 * 86400}, "too_long"),
    "lives until 9999": ({"exp": 253402300799}, "too_long"),
    "issued in 1970": ({"iat": 0}, "too_long"),
    "ends as it begins": ({"iat": AT, "exp": AT}, "bad_claims"),
    "ends before it begins": ({"iat": AT + 10, "exp": AT}, "bad_claims"),
}


@pytest.mark.parametrize(("claims", "code"), TIMES.values(), ids=TIMES.keys())
def test_a_token_lives_within_its_limits(claims: dict[str, Any], code: str):
    assert refusal(token(**claims)) == code


def test_an_entry_may_be_narrower_than_the_usual_limits():
    assert refusal(token(iat=AT - 60), entry(max_age=59)) == "too_old"
    assert refusal(token(iat=AT - 60, exp=AT + 1), entry(max_lifetime=60)) == "too_long"


@pytest.mark.parametrize("subject", [..., None, "", 0, 5, True, [], ["repo:acme/web"], {}], ids=repr)
def test_a_subject_is_a_string_that_is_not_empty(subject: object):
    assert refusal(token(sub=subject)) == "bad_claims"


@pytest.mark.parametrize("jti", [None, "", 5, True, ["a"], {}], ids=repr)
def test_a_jti_is_a_string_that_is_not_empty(jti: object):
    assert refusal(token(jti=jti)) == "bad_claims"
