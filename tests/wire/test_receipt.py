"""Receipts: the leaf, its proof and the head that the log signed hold together, or the receipt is refused."""

import base64
from typing import Any

import pytest

from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.canonical import canonical
from counterfoil.wire.checkpoint import LogKey
from counterfoil.wire.merkle import Edge, leaf_hash, node_hash, path, root
from counterfoil.wire.receipt import BadReceipt, Proof, ReceiptChecker, check, read_proof, write_proof

LOG = LogKey.generate("log.example/audit")
LEAVES = [canonical({"seq": number, "fact": {"kind": "grant.approved"}}) for number in range(11)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
NOTE = LOG.sign(LOG.name, len(LEAVES), root(HASHES))
PROOFS = [write_proof(index, path(index, HASHES), NOTE) for index in range(len(LEAVES))]


def code(leaf: bytes, proof: str, *keys: LogKey, origin: str | None = None) -> str:
    with pytest.raises(BadReceipt) as caught:
        check(leaf, proof, [key.vkey for key in keys or (LOG,)], origin)
    return caught.value.code


def test_every_leaf_is_proven_and_returned() -> None:
    for number, (leaf, proof) in enumerate(zip(LEAVES, PROOFS, strict=True)):
        assert check(leaf, proof, [LOG.vkey])["seq"] == number
        assert check(leaf, proof, [LOG.vkey], origin=LOG.name)["seq"] == number


def test_a_batch_appended_to_an_edge_is_proven_by_its_head() -> None:
    edge, _ = Edge().append(HASHES[:4])
    grown, paths = edge.append(HASHES[4:])
    head = LOG.sign(LOG.name, grown.size, grown.root())
    for number, steps in enumerate(paths, start=4):
        assert check(LEAVES[number], write_proof(number, steps, head), [LOG.vkey])["seq"] == number


def test_the_text_is_that_of_the_specification() -> None:
    steps = [bytes([1]) * 32, bytes([2]) * 32]
    expected = f"c2sp.org/tlog-proof@v1\nindex 5\n{'AQEB' * 10}AQE=\n{'AgIC' * 10}AgI=\n\n{NOTE}"
    assert write_proof(5, steps, NOTE) == expected
    assert read_proof(expected) == Proof(5, steps, NOTE)
    with_extra = expected.replace("index", "extra b3BhcXVl\nindex")
    assert write_proof(5, steps, NOTE, b"opaque") == with_extra
    assert read_proof(with_extra) == Proof(5, steps, NOTE, b"opaque")


def test_a_proof_of_the_only_leaf_has_no_hashes() -> None:
    note = LOG.sign(LOG.name, 1, HASHES[0])
    proof = write_proof(0, [], note)
    assert proof == f"c2sp.org/tlog-proof@v1\nindex 0\n\n{note}"
    assert check(LEAVES[0], proof, [LOG.vkey])["seq"] == 0


def test_extra_data_is_not_signed_and_changes_nothing() -> None:
    assert check(LEAVES[3], write_proof(3, path(3, HASHES), NOTE, b"anything"), [LOG.vkey])["seq"] == 3


def test_another_valid_leaf_with_this_proof_is_refused() -> None:
    for number in range(len(LEAVES)):
        if number != 3:
            assert code(LEAVES[number], PROOFS[3]) == "not_included"


def test_every_changed_letter_of_a_proof_is_refused() -> None:
    proof = PROOFS[3]
    for at in range(len(proof)):
        for other in {chr(ord(proof[at]) ^ 1), "A", "\n", " "} - {proof[at]}:
            changed = proof[:at] + other + proof[at + 1 :]
            assert code(LEAVES[3], changed), (at, other)


def test_every_changed_byte_of_a_leaf_is_refused() -> None:
    leaf = LEAVES[3]
    for at in range(len(leaf)):
        assert code(leaf[:at] + bytes([leaf[at] ^ 1]) + leaf[at + 1 :], PROOFS[3]) == "not_included"


def test_every_cut_is_refused() -> None:
    for at in range(len(PROOFS[3])):
        assert code(LEAVES[3], PROOFS[3][:at])
        assert code(LEAVES[3], PROOFS[3][at + 1 :])


def test_an_inner_node_is_no_leaf() -> None:
    """The children of a node, passed off as a leaf one level up."""
    assert node_hash(HASHES[0], HASHES[1]) != leaf_hash(HASHES[0] + HASHES[1])
    assert code(HASHES[0] + HASHES[1], write_proof(0, path(0, HASHES)[1:], NOTE)) == "malformed_proof"


STEP = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n" + NOTE,
        f"index 0\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v2\nindex 0\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\r\nindex 0\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex \n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\n0\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex 00\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex -1\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex 1_0\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex \u0661\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nIndex 0\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex 0\nindex 0\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nextra YQ==\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nextra YR==\nindex 0\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nextra YQ==\nextra YQ==\nindex 0\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex 0\nextra YQ==\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex 0\nnonsense\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{STEP[:-4]}\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{STEP} \n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{(STEP + chr(10)) * 64}\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{STEP}\n{NOTE.partition(chr(10) * 2)[0]}",
        f"c2sp.org/tlog-proof@v1\nindex 0\n\n{NOTE}" + "x" * (1 << 18),
    ],
)
def test_a_malformed_proof_is_refused_as_such(text: str) -> None:
    with pytest.raises(BadReceipt, match="malformed_proof"):
        read_proof(text)
    assert code(LEAVES[0], text) == "malformed_proof"


@pytest.mark.parametrize("index", [11, 12, 2**62])
def test_an_index_beyond_the_head_is_malformed(index: int) -> None:
    assert code(LEAVES[3], write_proof(index, path(3, HASHES), NOTE)) == "malformed_proof"


def test_what_is_wrong_with_the_head_is_what_is_wrong_with_the_receipt() -> None:
    stranger = LogKey.generate(LOG.name)
    other = LogKey.generate("other.example/log")
    assert code(LEAVES[3], PROOFS[3], stranger) == "unknown_key"
    assert code(LEAVES[3], PROOFS[3], origin="other.example/log") == "wrong_origin"
    assert code(LEAVES[3], write_proof(3, path(3, HASHES), other.sign(LOG.name, 11, root(HASHES))), LOG, other) == "wrong_origin"
    assert code(LEAVES[3], PROOFS[3].replace("\n11\n", "\n12\n")) == "bad_signature"
    assert code(LEAVES[3], PROOFS[3].rpartition("\n\n")[0]) == "malformed_checkpoint"


def test_an_older_head_without_the_leaf_proves_nothing() -> None:
    older = LOG.sign(LOG.name, 3, root(HASHES[:3]))
    assert code(LEAVES[3], write_proof(2, path(2, HASHES[:3]), older)) == "not_included"


@pytest.mark.parametrize("leaf", [b"not json", b'{"a":1,"a":2}', b"[]", b'"text"', b"\xff", b""])
def test_a_leaf_that_is_no_strict_json_object_is_refused_though_it_is_proven(leaf: bytes) -> None:
    proof = write_proof(0, [], LOG.sign(LOG.name, 1, leaf_hash(leaf)))
    assert code(leaf, proof) == "malformed_leaf"


def test_a_head_is_checked_once_and_every_leaf_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    genuine = checkpoints.check

    def counted(note: str, *rest: Any) -> checkpoints.Checkpoint:
        checked.append(note)
        return genuine(note, *rest)

    monkeypatch.setattr("counterfoil.wire.receipt.checkpoints.check", counted)
    receipts = ReceiptChecker([LOG.vkey])
    for leaf, proof in zip(LEAVES, PROOFS, strict=True):
        receipts.check(leaf, proof)
    assert len(checked) == 1
    with pytest.raises(BadReceipt, match="not_included"):
        receipts.check(LEAVES[4], PROOFS[3])
    for _ in range(2):
        with pytest.raises(BadReceipt, match="bad_signature"):
            receipts.check(LEAVES[3], PROOFS[3].replace("\n11\n", "\n12\n"))
    assert len(checked) == 3
