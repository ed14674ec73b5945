"""A fact's leaf: all of it, canonical, secrets by hash."""

import json

import pytest

from counterfoil.wire.canonical import canonical, digest, strict_json
from counterfoil.wire.envelope import encode
from counterfoil_server.runtime.stage import DeadLetter
from services.audit.leaves import NONE_BEFORE, entry, leaf, microseconds
from tests.audit.facts import NOW, approved, asked, denied, minted, received, verified


def test_a_leaf_is_the_canonical_form_of_all_its_members():
    fact = denied(asked(), message="no \u20ac \U0001f512")

    found = leaf(entry(received(fact)), 7, b"\x01" * 32, microseconds(NOW))

    whole = {
        "v": 1,
        "seq": 7,
        "prev": "01" * 32,
        "time": "2026-11-24T12:00:00.000000Z",
        "fact": json.loads(encode(fact)),
        "fact_sha256": digest(encode(fact)),
    }
    assert found == canonical(whole)


def test_mints_box_and_the_subjects_stand_by_their_hash():
    shown = [json.loads(entry(received(fact)).text) for fact in (minted(asked()), verified(asked()))]

    assert shown[0]["box"] == {"sha256": digest(b"c2VjcmV0")}
    assert shown[1]["subject_box"] == {"sha256": digest(b"c3ViamVjdA")}


def test_evidence_stands_by_the_hash_of_what_was_signed():
    fact = approved(asked())

    shown = json.loads(entry(received(fact)).text)

    assert shown["evidence"] == {"sha256": digest(fact.evidence.value.encode())}


def test_a_member_that_this_reader_does_not_know_stands_in_the_leaf():
    fact = denied(asked())
    newer = json.dumps({**json.loads(encode(fact)), "weather": "rain"}).encode()

    assert json.loads(entry(received(fact, value=newer)).text)["weather"] == "rain"


@pytest.mark.parametrize("number", ["0.5", "9007199254740993", "1e3"])
def test_a_number_that_readers_could_read_differently_is_a_dead_letter(number: str):
    fact = verified(asked())
    bad = encode(fact).replace(b'"ref":"main"', f'"ref":{number}'.encode())
    assert bad != encode(fact)

    with pytest.raises(DeadLetter, match="not_canonical"):
        entry(received(fact, value=bad))


def test_a_member_that_stands_twice_is_a_dead_letter():
    fact = verified(asked())
    bad = encode(fact)[:-1] + b',"project":"other"}'

    with pytest.raises(DeadLetter, match="not_canonical"):
        entry(received(fact, value=bad))


@pytest.mark.parametrize(("more", "taken"), [(29, True), (30, False)])
def test_a_fact_whose_leaf_would_be_deeper_than_a_leaf_is_read_is_a_dead_letter(more: int, taken: bool):
    """Appended, it could be checked by nobody, for ever."""
    fact = verified(asked())
    deep = encode(fact).replace(b'"ref":"main"', b'"ref":' + b"[" * more + b"]" * more)
    assert deep != encode(fact)

    if taken:
        found = leaf(entry(received(fact, value=deep)), 0, NONE_BEFORE, "2026-11-24T12:00:00.000000Z")
        assert strict_json(found, exact=True)
    else:
        with pytest.raises(DeadLetter, match="not_canonical"):
            entry(received(fact, value=deep))


def test_a_box_that_is_no_base64url_is_a_dead_letter():
    with pytest.raises(DeadLetter, match="bad_box"):
        entry(received(verified(asked(), subject_box="ab_")))  # its last two bits are no zeros


def test_the_first_leaf_names_zeros_as_its_predecessor():
    assert json.loads(leaf(entry(received(denied(asked()))), 0, NONE_BEFORE, "t"))["prev"] == "00" * 32
