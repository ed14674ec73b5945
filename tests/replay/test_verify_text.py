"""A leaf cut as text: what stands twice, or has another form than our models write, is not cut, and so is decided at length."""

from collections.abc import Callable

import pytest

from services.ops.replay.verify_text import cause, grant, identity
from tests.replay.logs import CONNECTOR, ISSUER, LINK, exchanges, recorder

Edit = Callable[[bytes], bytes]


def pair() -> tuple[bytes, bytes]:
    log, _ = recorder(ISSUER, CONNECTOR, LINK)
    (_, who), (_, decided) = exchanges(log, range(1))
    return who, decided


def again(leaf: bytes, member: bytes) -> bytes:
    """The same member once more, within a claim."""
    return leaf.replace(b'"claims":{', b'"claims":{"a":{"b":1%b"z":1},' % member)


def test_equal_questions_leave_the_same_rest_and_nothing_of_the_exchange_is_in_it():
    log, _ = recorder(ISSUER, CONNECTOR, LINK)
    leaves = [text for _, text in exchanges(log, [0, 7])]
    first, second = identity(leaves[0]), identity(leaves[2])

    assert first is not None
    assert second is not None
    assert first.rest == second.rest
    assert first.request_hash != second.request_hash


def test_an_id_that_stands_twice_is_not_cut():
    leaf, _ = pair()
    cut = identity(leaf)
    assert cut is not None

    assert identity(again(leaf, b',"x":"%b",' % cut.id.encode())) is not None
    assert identity(again(leaf, b',"id":"%b",' % cut.id.encode())) is None
    assert identity(leaf.replace(b'"wish":{', b'"wish":{"a":1,"id":"%b",' % cut.id.encode())) is None


@pytest.mark.parametrize("name", ["cause", "evidence", "id"])
def test_what_a_decision_rests_on_stands_in_it_once(name: str):
    who, decided = pair()
    known = identity(who)
    assert known is not None
    assert cause(decided) == known.id
    found = grant(decided, known.asked, known.request_hash, known.id, known.sha256)
    assert found is not None
    assert found.approved
    twice = {
        "cause": b'"caused_by":"%b",' % known.id.encode(),
        "evidence": b'"evidence":{"sha256":"%b"},' % known.sha256.encode(),
        "id": b'"y":1,"id":"%b",' % found.id.encode(),
    }[name]
    changed = decided.replace(b'"installation":', b'"installatio":{%b"z":1},"installation":' % twice)
    assert changed != decided

    cut = grant(changed, known.asked, known.request_hash, known.id, known.sha256)

    assert cut is None or not cut.approved


EDITS: list[tuple[str, Edit]] = [
    ("a time of another spelling", lambda leaf: leaf.replace(b'.010000Z","basis"', b'.01Z","basis"')),
    ("a revision with a zero before it", lambda leaf: leaf.replace(b'"registry_revision":', b'"registry_revision":0')),
    ("another digest", lambda leaf: leaf.replace(b'"jwks_thumbprint":"', b'"jwks_thumbprint":"0')),
    ("something behind the leaf", lambda leaf: leaf + b" "),
    ("a subject box that is more", lambda leaf: leaf.replace(b'"subject_box":{', b'"subject_box":{"a":1,')),
]


@pytest.mark.parametrize(("what", "edit"), EDITS, ids=[what for what, _ in EDITS])
def test_another_form_is_not_cut(what: str, edit: Edit):
    leaf, _ = pair()

    assert edit(leaf) != leaf, what
    assert identity(leaf) is not None
    assert identity(edit(leaf)) is None
