"""Consistency proofs: against pymerkle, the vectors of Certificate Transparency, and every change."""

import pymerkle
import pytest

from counterfoil.wire.consistency import Inconsistent, check_consistency, consistency_path
from counterfoil.wire.merkle import EMPTY, leaf_hash, root

LEAVES = [b"leaf %d" % number for number in range(131)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
ROOTS = [root(HASHES[:size]) for size in range(131)]
CT_LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [(1, 8, ["96a296d2", "5f083f0a", "6b47aaf2"]), (6, 8, ["0ebc5d34", "ca854ea1", "d37ee418"]), (2, 5, ["5f083f0a", "bc1a0643"])],
)
def test_proofs_are_those_of_certificate_transparency(old: int, new: int, expected: list[str]) -> None:
    hashes = [leaf_hash(leaf) for leaf in CT_LEAVES[:new]]
    assert [step.hex()[:8] for step in consistency_path(old, hashes)] == expected


@pytest.mark.parametrize("new", range(131))
def test_every_earlier_tree_is_consistent_with_every_later_one(new: int) -> None:
    for old in range(new + 1):
        check_consistency(old, ROOTS[old], new, ROOTS[new], consistency_path(old, HASHES[:new]))


def test_pymerkle_finds_the_same_roots_consistent() -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for leaf in LEAVES[:40]:
        tree.append_entry(leaf)
    for new in range(1, 41):
        for old in range(1, new):
            pymerkle.verify_consistency(ROOTS[old], ROOTS[new], tree.prove_consistency(old, new))
            with pytest.raises(pymerkle.InvalidProof):
                pymerkle.verify_consistency(ROOTS[old], ROOTS[new - old], tree.prove_consistency(old, new))


def holds(old: int, old_root: bytes, new: int, new_root: bytes, path: list[bytes]) -> bool:
    try:
        check_consistency(old, old_root, new, new_root, path)
    except Inconsistent:
        return False
    return True


@pytest.mark.parametrize(("old", "new"), [(0, 5), (1, 2), (3, 3), (3, 7), (4, 8), (6, 8), (8, 9), (31, 33), (64, 129)])
def test_every_change_is_refused(old: int, new: int) -> None:
    path, wrong = consistency_path(old, HASHES[:new]), HASHES[130]
    assert holds(old, ROOTS[old], new, ROOTS[new], path)
    assert not holds(old, wrong, new, ROOTS[new], path)
    assert old == 0 or not holds(old, ROOTS[old], new, wrong, path)
    assert not holds(old, ROOTS[old], new, ROOTS[new], [*path, wrong])
    assert not holds(old, ROOTS[old][:-1], new, ROOTS[new], path)
    assert not holds(new + 1, ROOTS[old], new, ROOTS[new], path)
    assert not holds(-1, ROOTS[old], new, ROOTS[new], path)
    for at in range(len(path)):
        assert not holds(old, ROOTS[old], new, ROOTS[new], [*path[:at], wrong, *path[at + 1 :]])
        assert not holds(old, ROOTS[old], new, ROOTS[new], path[:at] + path[at + 1 :])
        assert not holds(old, ROOTS[old], new, ROOTS[new], [*path[:at], path[at][:-1], *path[at + 1 :]])


def test_a_hash_cannot_lend_a_byte_to_its_neighbour() -> None:
    first, second = HASHES[:2]
    assert holds(1, first, 2, ROOTS[2], [second])
    assert not holds(1, first[:31], 2, ROOTS[2], [first[31:] + second])


def test_a_log_that_rewrote_an_old_leaf_is_inconsistent() -> None:
    rewritten = [*HASHES[:3], leaf_hash(b"rewritten"), *HASHES[4:20]]
    for old in range(4, 20):
        with pytest.raises(Inconsistent):
            check_consistency(old, ROOTS[old], 20, root(rewritten), consistency_path(old, rewritten))


def test_only_the_empty_root_is_consistent_from_nothing() -> None:
    check_consistency(0, EMPTY, 7, ROOTS[7], [])
    with pytest.raises(Inconsistent, match="inconsistent"):
        check_consistency(0, HASHES[0], 7, ROOTS[7], [])


def test_there_is_no_proof_from_a_later_tree_to_an_earlier_one() -> None:
    with pytest.raises(Inconsistent):
        consistency_path(4, HASHES[:3])
