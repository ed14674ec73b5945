"""Batch signatures: who signed, in which role, for which topic; and what any change does."""

import copy
import pickle
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.wire.merkle import leaf_hash, path, root
from counterfoil.wire.signing import BadSignature, Checker, PublicKey, Signer, SigningKey, signed_bytes

TOPIC = "exchange.verified"
ROLES = ("verifier",)
VERIFIER, POLICY = SigningKey.generate("verifier"), SigningKey.generate("policy")


def row(key: SigningKey, **changes: Any) -> PublicKey:
    return replace(PublicKey(key.kid, key.role, key.public, not_before=100.0, not_after=200.0), **changes)


KEYS = {key.kid: row(key) for key in (VERIFIER, POLICY)}


def code(value: bytes, header: bytes | None, *, topic: str = TOPIC, now: float = 150.0, checker: Checker | None = None) -> str:
    with pytest.raises(BadSignature) as caught:
        (checker or Checker(KEYS.get)).check(topic, value, header, ROLES, now)
    return caught.value.code


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=40), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_every_fact_of_a_batch_names_the_role_that_wrote_it(values: list[bytes], topic: str) -> None:
    checker = Checker(KEYS.get)
    for value, header in zip(values, Signer(VERIFIER).sign(topic, values), strict=True):
        assert checker.check(topic, value, header, ROLES, 150.0) == "verifier"


def test_a_header_is_ascii_and_small() -> None:
    headers = Signer(VERIFIER).sign(TOPIC, [b"%d" % number for number in range(128)])
    assert all(header.isascii() and len(header) < 420 for header in headers)
    assert len(Signer(VERIFIER).sign(TOPIC, [b"alone"])[0]) == 16 + 1 + 1 + 1 + 1 + 1 + 0 + 1 + 86


def test_what_is_signed_is_what_the_design_says() -> None:
    """Built by hand: every part led by its length, so that no two batches have the same bytes."""
    values = [b"a", b"b", b"c"]
    hashes = [leaf_hash(value) for value in values]
    expected = b"\x00\x14counterfoil/batch/v1" + b"\x00\x08verifier" + b"\x00\x11exchange.verified" + (3).to_bytes(8) + root(hashes)
    assert signed_bytes("verifier", TOPIC, 3, root(hashes)) == expected
    kid, size, index, steps, signature = Signer(VERIFIER).sign(TOPIC, values)[2].decode().split(".")
    assert (kid, size, index) == (VERIFIER.kid, "3", "2")
    assert len(path(2, hashes)) == 1
    assert len(steps) == 43
    assert len(signature) == 86
    assert signed_bytes("ab", "c", 1, bytes(32)) != signed_bytes("a", "bc", 1, bytes(32))


def test_no_facts_no_signature() -> None:
    assert Signer(VERIFIER).sign(TOPIC, []) == []


def test_a_fact_without_a_header_is_unsigned() -> None:
    assert code(b"fact", None) == "unsigned"


@pytest.mark.parametrize("size", [1, 2, 5])
def test_every_changed_byte_of_a_header_is_refused(size: int) -> None:
    values = [b"fact %d" % number for number in range(size)]
    warm = Checker(KEYS.get)
    for value, header in zip(values, Signer(VERIFIER).sign(TOPIC, values), strict=True):
        warm.check(TOPIC, value, header, ROLES, 150.0)
        for at in range(len(header)):
            for other in {header[at] ^ 1, header[at] ^ 0x20, ord("A"), ord("_"), ord("."), 0xFF} - {header[at]}:
                changed = header[:at] + bytes([other]) + header[at + 1 :]
                assert code(value, changed, checker=warm) in {"malformed_signature", "unknown_key", "bad_signature"}, (at, other)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda h: h[:-1],
        lambda h: h + b"A",
        lambda h: h + b"=",
        lambda h: h + b".",
        lambda h: h + b"\n",
        lambda h: b" " + h,
        lambda h: h.replace(b".2.", b".02.", 1),
        lambda h: h.replace(b".2.0.", b".2.00.", 1),
        lambda h: h.replace(b".2.0.", b".2.-0.", 1),
        lambda h: h.replace(b".2.0.", b".2.2.", 1),
        lambda h: h.replace(b".2.0.", b".0.0.", 1),
        lambda h: h.replace(b".2.0.", b".3.0.", 1),
        lambda h: h.replace(b".2.0.", b".1.0.", 1),
        lambda h: h.replace(b".2.0.", b".2.0." + b"A" * 43, 1),
        lambda h: h.upper(),
        lambda _: b"....",
        lambda _: b"",
        lambda h: h + b"." + h,
        lambda _: b"\xff" * 100,
        lambda h: h.replace(b".2.0.", b".2.0." + b"A" * 1_000_000, 1),
    ],
)
def test_a_malformed_header_is_refused_as_such(spoil: Any) -> None:
    header = Signer(VERIFIER).sign(TOPIC, [b"a", b"b"])[0]
    assert spoil(header) != header
    assert code(b"a", spoil(header)) == "malformed_signature"


def test_another_value_topic_place_or_batch_is_refused() -> None:
    values = [b"a", b"b", b"c", b"d"]
    headers = Signer(VERIFIER).sign(TOPIC, values)
    assert code(b"A", headers[0]) == "bad_signature"
    assert code(b"b", headers[0]) == "bad_signature"
    assert code(b"a", headers[0], topic="exchange.authorized") == "bad_signature"
    parts = headers[0].split(b".")
    other = Signer(VERIFIER).sign(TOPIC, [b"x", b"y", b"z", b"w"])[0].split(b".")
    assert code(b"a", b".".join([*parts[:4], other[4]])) == "bad_signature"
    assert code(b"a", b".".join([*parts[:3], other[3], parts[4]])) == "bad_signature"


def test_the_size_of_a_batch_is_signed() -> None:
    """In trees of 7 and 8 the first leaf has a path of one length: only the signed size tells them apart."""
    values = [b"%d" % number for number in range(8)]
    header = Signer(VERIFIER).sign(TOPIC, values)[0]
    assert code(values[0], header.replace(b".8.0.", b".7.0.")) == "bad_signature"


def test_a_role_that_may_not_write_the_topic_fails_before_any_maths(monkeypatch: pytest.MonkeyPatch) -> None:
    header = Signer(POLICY).sign(TOPIC, [b"fact"])[0]

    def forbidden(*_: object) -> bytes:
        raise AssertionError("maths")

    monkeypatch.setattr("counterfoil.wire.signing.leaf_hash", forbidden)
    monkeypatch.setattr("counterfoil.wire.signing.root_from_path", forbidden)
    assert code(b"fact", header) == "wrong_role"


def test_a_role_cannot_be_claimed_by_the_row_of_another_key() -> None:
    """The role is signed: a policy key in a row that says verifier still does not sign as verifier."""
    checker = Checker({POLICY.kid: row(POLICY, role="verifier")}.get)
    assert code(b"fact", Signer(POLICY).sign(TOPIC, [b"fact"])[0], checker=checker) == "bad_signature"


def test_a_stranger_is_an_unknown_key() -> None:
    assert code(b"fact", Signer(SigningKey.generate("verifier")).sign(TOPIC, [b"fact"])[0]) == "unknown_key"


def test_a_stranger_under_a_known_kid_is_refused() -> None:
    stranger = SigningKey.generate("verifier")
    header = Signer(stranger).sign(TOPIC, [b"fact"])[0].replace(stranger.kid.encode(), VERIFIER.kid.encode())
    assert code(b"fact", header) == "bad_signature"


@pytest.mark.parametrize("now", [99.9, 200.0, 1e12])
def test_a_key_outside_its_time_is_not_valid(now: float) -> None:
    assert code(b"fact", Signer(VERIFIER).sign(TOPIC, [b"fact"])[0], now=now) == "key_not_valid"


@pytest.mark.parametrize(("now", "until"), [(100.0, 200.0), (199.9, 200.0), (1e12, None)])
def test_a_key_within_its_time_is_valid(now: float, until: float | None) -> None:
    checker = Checker({VERIFIER.kid: row(VERIFIER, not_after=until)}.get)
    assert checker.check(TOPIC, b"fact", Signer(VERIFIER).sign(TOPIC, [b"fact"])[0], ROLES, now) == "verifier"


def test_a_row_that_holds_no_key_is_refused() -> None:
    checker = Checker({VERIFIER.kid: row(VERIFIER, public=b"short")}.get)
    assert code(b"fact", Signer(VERIFIER).sign(TOPIC, [b"fact"])[0], checker=checker) == "bad_signature"


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every public key that was parsed for an Ed25519 check."""
    seen: list[bytes] = []

    class Counted:
        @staticmethod
        def from_public_bytes(public: bytes) -> Ed25519PublicKey:
            seen.append(public)
            return Ed25519PublicKey.from_public_bytes(public)

    monkeypatch.setattr("counterfoil.wire.signing.Ed25519PublicKey", Counted)
    return seen


def test_a_batch_costs_one_check(verified: list[bytes]) -> None:
    checker, values = Checker(KEYS.get), [b"%d" % number for number in range(50)]
    for value, header in zip(values, Signer(VERIFIER).sign(TOPIC, values), strict=True):
        checker.check(TOPIC, value, header, ROLES, 150.0)
    assert len(verified) == 1


def test_another_spelling_of_a_remembered_signature_is_refused() -> None:
    checker, header = Checker(KEYS.get), Signer(VERIFIER).sign(TOPIC, [b"fact"])[0]
    checker.check(TOPIC, b"fact", header, ROLES, 150.0)
    assert code(b"fact", header[:-1] + bytes([header[-1] + 1]), checker=checker) == "malformed_signature"


def test_a_bad_batch_is_never_remembered_as_good(verified: list[bytes]) -> None:
    checker, header = Checker(KEYS.get), Signer(VERIFIER).sign(TOPIC, [b"fact"])[0]
    for _ in range(3):
        assert code(b"Fact", header, checker=checker) == "bad_signature"
    assert len(verified) == 3


def test_the_memory_of_good_batches_is_bounded(verified: list[bytes]) -> None:
    checker, headers = Checker(KEYS.get, cache=2), [Signer(VERIFIER).sign(TOPIC, [value])[0] for value in (b"a", b"b", b"c")]
    for value, header in [*zip((b"a", b"b", b"c"), headers, strict=True), (b"c", headers[2]), (b"a", headers[0])]:
        checker.check(TOPIC, value, header, ROLES, 150.0)
    assert len(verified) == 4


def test_a_remembered_batch_is_asked_again_when_its_key_time_or_role_changed() -> None:
    rows = {VERIFIER.kid: row(VERIFIER)}
    checker, header = Checker(rows.get), Signer(VERIFIER).sign(TOPIC, [b"fact"])[0]
    checker.check(TOPIC, b"fact", header, ROLES, 150.0)
    assert code(b"fact", header, checker=checker, now=200.0) == "key_not_valid"
    for changed, expected in (({"role": "policy"}, "wrong_role"), ({"public": POLICY.public}, "bad_signature")):
        rows[VERIFIER.kid] = row(VERIFIER, **changed)
        assert code(b"fact", header, checker=checker) == expected
    rows.clear()
    assert code(b"fact", header, checker=checker) == "unknown_key"


def test_a_key_comes_back_from_its_bytes() -> None:
    again = SigningKey.from_bytes(VERIFIER.private_bytes(), "verifier")
    assert (again.kid, again.public, again.role) == (VERIFIER.kid, VERIFIER.public, "verifier")
    assert len(again.kid) == 16


def test_a_private_key_does_not_show_and_is_not_pickled() -> None:
    assert repr(VERIFIER) == f"SigningKey(verifier, {VERIFIER.kid})"
    for store in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError):
            store(VERIFIER)
