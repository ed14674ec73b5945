"""RFC 6962 trees against the recursion of the RFC, an independent library, and the vectors of Certificate Transparency."""

import hashlib
from collections.abc import Sequence

import pymerkle
import pytest

from counterfoil.wire.merkle import EMPTY, BadPath, Edge, leaf_hash, node_hash, path, root, root_from_path

LEAVES = [b"leaf %d" % number for number in range(131)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]

CT_LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_PATHS = {
    (0, 8): ["96a296d2", "5f083f0a", "6b47aaf2"],
    (5, 8): ["bc1a0643", "ca854ea1", "d37ee418"],
    (2, 3): ["fac54203"],
    (1, 5): ["6e340b9c", "5f083f0a", "bc1a0643"],
}


def naive_root(hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 2.1, as written there."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + naive_root(hashes[:split]) + naive_root(hashes[split:])).digest()


def naive_path(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 2.1.1, as written there."""
    if len(hashes) == 1:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if index < split:
        return [*naive_path(index, hashes[:split]), naive_root(hashes[split:])]
    return [*naive_path(index - split, hashes[split:]), naive_root(hashes[:split])]


def test_roots_are_those_of_certificate_transparency() -> None:
    hashes = [leaf_hash(leaf) for leaf in CT_LEAVES]
    assert [root(hashes[: size + 1]).hex() for size in range(8)] == CT_ROOTS
    assert root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(("index", "size"), CT_PATHS)
def test_paths_are_those_of_certificate_transparency(index: int, size: int) -> None:
    hashes = [leaf_hash(leaf) for leaf in CT_LEAVES[:size]]
    assert [step.hex()[:8] for step in path(index, hashes)] == CT_PATHS[index, size]


@pytest.mark.parametrize("size", range(1, 131))
def test_roots_and_paths_are_those_of_the_recursion(size: int) -> None:
    hashes = HASHES[:size]
    expected = naive_root(hashes)
    assert root(hashes) == expected
    for index in range(size):
        steps = path(index, hashes)
        assert steps == naive_path(index, hashes)
        assert root_from_path(index, size, hashes[index], steps) == expected


def test_roots_and_paths_are_those_of_pymerkle() -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for size, leaf in enumerate(LEAVES[:70], start=1):
        tree.append_entry(leaf)
        assert tree.get_root() == root(HASHES[:size])
        for index in range(size):
            proof = tree.prove_inclusion(index + 1)
            assert proof.path[1:] == path(index, HASHES[:size])


@pytest.mark.parametrize("old", range(40))
def test_an_edge_grows_to_the_same_root_and_paths_as_the_whole_tree(old: int) -> None:
    for added in range(1, 40):
        edge, _ = Edge().append(HASHES[:old])
        grown, paths = edge.append(HASHES[old : old + added])
        hashes = HASHES[: old + added]
        assert grown.size == old + added
        assert grown.root() == naive_root(hashes)
        assert paths == [naive_path(index, hashes) for index in range(old, old + added)]
        assert len(grown.peaks) == grown.size.bit_count()


@pytest.mark.parametrize("step", [1, 2, 3, 7, 13, 64, 65])
def test_an_edge_grown_in_steps_is_the_edge_grown_at_once(step: int) -> None:
    edge = Edge()
    for at in range(0, 131, step):
        edge, _ = Edge.from_bytes(edge.to_bytes()).append(HASHES[at : at + step])
        assert edge.root() == naive_root(HASHES[: edge.size])
    assert edge == Edge().append(HASHES)[0]


def test_an_edge_of_a_great_log_is_small_and_gives_good_paths() -> None:
    """2^40 + 2^20 + 3 leaves that nobody could hold: the peaks stand for them."""
    size = 2**40 + 2**20 + 3
    edge = Edge(size, tuple(HASHES[: size.bit_count()]))
    grown, paths = edge.append(HASHES[:100])
    assert len(edge.to_bytes()) == 8 + 4 * 32
    for number, steps in enumerate(paths):
        assert root_from_path(size + number, grown.size, HASHES[number], steps) == grown.root()


def test_appending_nothing_changes_nothing() -> None:
    edge, _ = Edge().append(HASHES[:5])
    assert edge.append([]) == (edge, [])
    assert Edge().root() == EMPTY


@pytest.mark.parametrize("data", [b"", bytes(7), bytes(9), (1).to_bytes(8), (3).to_bytes(8) + bytes(32), bytes(8) + bytes(32)])
def test_an_edge_of_another_length_is_refused(data: bytes) -> None:
    with pytest.raises(BadPath, match="malformed_edge"):
        Edge.from_bytes(data)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 33])
def test_every_change_to_a_path_leads_to_no_or_another_root(size: int) -> None:
    hashes, expected = HASHES[:size], root(HASHES[:size])

    def leads(index: int, of: int, leaf: bytes, steps: list[bytes]) -> bool:
        try:
            return root_from_path(index, of, leaf, steps) == expected
        except BadPath:
            return False

    for index in range(size):
        steps = path(index, hashes)
        assert leads(index, size, hashes[index], steps)
        assert not leads(index, size, HASHES[130], steps)
        for other in {-1, index - 1, index + 1, size} - {index}:
            assert not leads(other, size, hashes[index], steps)
        for at in range(len(steps)):
            assert not leads(index, size, hashes[index], [*steps[:at], HASHES[130], *steps[at + 1 :]])
            assert not leads(index, size, hashes[index], steps[:at] + steps[at + 1 :])
            assert not leads(index, size, hashes[index], [*steps[:at], steps[at][:-1], *steps[at + 1 :]])
        assert not leads(index, size, hashes[index], [*steps, HASHES[130]])


def test_a_hash_cannot_lend_a_byte_to_its_neighbour() -> None:
    """Only their concatenation is hashed, so every length is checked."""
    first, second = HASHES[:2]
    with pytest.raises(BadPath):
        root_from_path(0, 2, first[:31], [first[31:] + second])
    with pytest.raises(BadPath):
        root_from_path(1, 2, second[1:], [first + second[:1]])


def test_a_node_is_no_leaf() -> None:
    """Without the prefixes an inner node could be passed off as a leaf."""
    left, right = HASHES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3), (7, 3)])
def test_an_index_outside_the_tree_has_no_path(index: int, size: int) -> None:
    with pytest.raises(BadPath):
        path(index, HASHES[:size])
    with pytest.raises(BadPath):
        root_from_path(index, size, HASHES[0], [])
