"""The cache of good signatures: what it may remember, and what it must look at every time."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from counterfoil_server.runtime.tokens.key import Key
from counterfoil_server.runtime.tokens.shape import shape
from counterfoil_server.runtime.tokens.signatures import Signatures
from tests.tokens.forge import KEYS, MINE, NOW, accepted, b64, entry, jwk, key_set, refusal, sign, token

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
def maths(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every time that the maths is really done."""
    done: list[str] = []
    really = Key.verifies

    def verifies(key: Key, alg: str, signing_input: bytes, signature: bytes) -> bool:
        done.append(alg)
        return really(key, alg, signing_input, signature)

    monkeypatch.setattr(Key, "verifies", verifies)
    return done


def malleated(raw: bytes) -> bytes:
    """(r, n - s): other octets, and as good a signature."""
    signing_input, _, _ = raw.rpartition(b".")
    signature = shape(raw).signature
    s = int.from_bytes(signature[32:])
    return signing_input + b"." + b64(signature[:32] + (P256_ORDER - s).to_bytes(32))


def test_the_same_token_is_verified_once(maths: list[str]):
    kept, raw = Signatures(), token()
    assert [accepted(raw, signatures=kept) for _ in range(3)] == [MINE] * 3
    assert maths == ["RS256"]


def test_a_hit_must_match_the_signature(maths: list[str]):
    """The signing input is what redacting logs leave behind."""
    kept, raw = Signatures(), token()
    accepted(raw, signatures=kept)
    stripped = raw.rpartition(b".")[0]
    for forged in (b64(b"\0" * 256), b64(shape(raw).signature[:-1]), b64(b"\0"), b64(shape(raw).signature + b"\0")):
        assert refusal(stripped + b"." + forged, signatures=kept) == "bad_signature"
    assert len(maths) == 5
    accepted(raw, signatures=kept)
    assert len(maths) == 5, "a forgery does not push the good one out"


def test_a_malleated_signature_is_no_hit_and_no_second_entry(maths: list[str]):
    kept, raw = Signatures(), token("ES256")
    other = malleated(raw)
    assert accepted(raw, signatures=kept) == accepted(other, signatures=kept) == MINE
    assert maths == ["ES256"] * 2
    assert len(kept) == 1


def test_malleability_is_real():
    r, s = 5, 7
    assert decode_dss_signature(encode_dss_signature(r, s)) == (r, s)
    assert malleated(malleated(raw := token("ES256"))) == raw != malleated(raw)


def test_a_bad_signature_is_never_kept(maths: list[str]):
    kept = Signatures()
    raw = token(header={"kid": "other"})
    assert [refusal(raw, signatures=kept) for _ in range(2)] == ["bad_signature"] * 2
    assert len(maths) == 2
    assert len(kept) == 0


LATER = {
    "expired": (NOW + timedelta(seconds=571), "expired"),
    "too old": (NOW + timedelta(seconds=541), "too_old"),
    "the clock went back": (NOW - timedelta(seconds=91), "not_yet_valid"),
}


@pytest.mark.parametrize(("now", "code"), LATER.values(), ids=LATER.keys())
def test_times_are_looked_at_on_every_hit(now: Any, code: str):
    kept, raw, patient = Signatures(), token(), entry(max_age=(7200 if code == "expired" else 600))
    accepted(raw, patient, signatures=kept)
    assert refusal(raw, patient, now=now, signatures=kept) == code


ENTRIES = {
    "another audience": ({"audience": "else"}, "wrong_audience"),
    "another algorithm": ({"algorithms": frozenset({"ES256"})}, "algorithm"),
    "a shorter age": ({"max_age": 1}, "too_old"),
    "a shorter life": ({"max_lifetime": 1}, "too_long"),
    "no typ of ours": ({"types": frozenset({"at+jwt"})}, "bad_header"),
    "another issuer": ({"issuer": "https://other.example"}, "unknown_issuer"),
}


@pytest.mark.parametrize(("change", "code"), ENTRIES.values(), ids=ENTRIES.keys())
def test_the_issuer_entry_is_looked_at_on_every_hit(change: dict[str, Any], code: str):
    kept, raw = Signatures(), token()
    accepted(raw, signatures=kept)
    assert refusal(raw, entry(**change), signatures=kept) == code


def test_claims_are_looked_at_on_every_hit():
    kept, raw = Signatures(), token(sub="")
    assert [refusal(raw, signatures=kept) for _ in range(2)] == ["bad_claims"] * 2


def test_another_entry_of_the_issuer_empties_it(maths: list[str]):
    kept, raw = Signatures(), token()
    accepted(raw, signatures=kept)
    accepted(raw, entry(pins={"sub": "x"}), signatures=kept)
    assert len(maths) == 2


def test_an_equal_entry_read_again_keeps_it(maths: list[str]):
    kept, raw = Signatures(), token()
    accepted(raw, entry(), signatures=kept)
    accepted(raw, entry(), signatures=kept)
    assert len(maths) == 1


def test_other_keys_of_the_issuer_empty_it(maths: list[str]):
    kept, raw = Signatures(), token()
    accepted(raw, signatures=kept)
    accepted(raw, keys=key_set(jwk("rsa"), jwk("p256")), signatures=kept)
    assert len(maths) == 2


def test_a_removed_key_verifies_nothing_any_more():
    kept, raw = Signatures(), token()
    accepted(raw, signatures=kept)
    assert refusal(raw, keys=key_set(jwk("other")), signatures=kept) == "unknown_key"


def test_another_key_under_the_same_kid_verifies_nothing():
    kept, raw = Signatures(), token()
    accepted(raw, signatures=kept)
    assert refusal(raw, keys=key_set(jwk("other", kid="rsa")), signatures=kept) == "bad_signature"


def test_a_key_that_is_no_longer_to_sign_verifies_nothing():
    kept, raw = Signatures(), token()
    accepted(raw, signatures=kept)
    assert refusal(raw, keys=key_set(jwk("rsa", use="enc")), signatures=kept) == "bad_key"


def test_a_change_of_one_issuer_leaves_the_others(maths: list[str]):
    kept, raw = Signatures(), token()
    second = entry(name="second", issuer="https://second.example")
    theirs = token(iss="https://second.example")
    accepted(raw, signatures=kept)
    accepted(theirs, second, signatures=kept)
    accepted(theirs, second, keys=key_set(jwk("rsa")), signatures=kept)
    accepted(raw, signatures=kept)
    assert len(maths) == 3


def test_a_signing_input_is_kept_for_its_issuer_only():
    """The same octets under another entry's keys are another question."""
    kept = Signatures()
    raw = token()
    accepted(raw, signatures=kept)
    read = shape(raw)
    key = KEYS.key("other", "RS256")
    assert not kept.verifies(read, entry(issuer="https://second.example"), KEYS, key)
    assert not kept.verifies(read, entry(), KEYS, key), "good under one key says nothing of another"


def test_it_holds_so_many_and_forgets_the_longest_unused(maths: list[str]):
    kept = Signatures(most=3)
    tokens = [token(jti=str(number)) for number in range(4)]
    for raw in (*tokens[:3], tokens[0], tokens[3]):
        accepted(raw, signatures=kept)
    assert len(kept) == 3
    assert len(maths) == 4
    accepted(tokens[0], signatures=kept)
    assert len(maths) == 4
    accepted(tokens[1], signatures=kept)
    assert len(maths) == 5


def test_the_same_claims_signed_anew_are_another_token(maths: list[str]):
    kept = Signatures()
    accepted(token("PS256"), signatures=kept)
    accepted(token("PS256"), signatures=kept)
    assert len(maths) == 2
    assert sign("PS256", b"") != sign("PS256", b"")
