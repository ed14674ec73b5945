"""Tiles: their addresses, and that proofs made of them are the RFC's, pymerkle's, and worth nothing when a tile was changed."""

import hashlib
from collections.abc import Collection, Mapping

import pymerkle
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from counterfoil.wire import tiles
from counterfoil.wire.consistency import Inconsistent, check_consistency, consistency_path
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import HASH, BadPath, Edge, leaf_hash, node_hash, path, root, root_from_path
from counterfoil.wire.receipt import BadReceipt, ReceiptChecker, write_proof
from counterfoil.wire.tiles import BadTile, Tile

MOST = 65_536 + 600
LEAVES = [b"leaf %d" % number for number in range(MOST)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
EDGES = [255, 256, 257, 512, 513, 65_535, 65_536, 65_537]


class Served:
    """A log's tiles, as its writer makes them: by whatever batches, the roots that these complete."""

    def __init__(self, batches: Collection[int] = (1000,) * 67) -> None:
        self.levels: dict[int, list[bytes]] = {0: []}
        self.read: list[Tile] = []
        edge = Edge()
        for batch in batches:
            new = HASHES[edge.size : edge.size + batch]
            self.levels[0] += new
            grown = edge.grow(new)
            edge = grown.edge
            for (level, index), node in grown.roots.items():
                assert len(self.levels.setdefault(level, [])) == index
                self.levels[level].append(node)
        self.edge = edge

    async def __call__(self, wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        assert len(set(wanted)) == len(wanted)
        self.read += wanted
        return {one: b"".join(self.levels.get(one.level, [])[one.index * 256 : one.index * 256 + one.width]) for one in wanted}


ALL = Served()


@pytest.mark.parametrize(
    ("tile", "text"),
    [
        (Tile(0, 67), "tile/0/067"), (Tile(1, 0), "tile/1/000"), (Tile(0, 1_234_067), "tile/0/x001/x234/067"), (Tile(0, 1000), "tile/0/x001/000"),
        (Tile(2, 999, 1), "tile/2/999.p/1"), (Tile(0, 273, 112), "tile/0/273.p/112"), (Tile(63, 10**18 - 1), "tile/63/" + "x999/" * 5 + "999"),
    ],
)  # fmt: skip
def test_an_address_is_that_of_the_specification(tile: Tile, text: str):
    assert tile.path == text
    assert Tile.parse(*text.removeprefix("tile/").split("/", 1)) == tile


@pytest.mark.parametrize("text", [
    "", "0", "67", "0067", "x000/067", "x001", "x001/", "001/067", "x1/067", "x001/x067", "067.p/0", "067.p/256", "067.p/300", "067.p/01", "067.p/",
    "067.p/999", "067.P/1", "-01", "06a", "067/", "/067", "٠٦٧", "067\n", "x999/" * 6 + "999",
])  # fmt: skip
def test_there_is_no_second_spelling(text: str):
    with pytest.raises(BadTile, match="malformed_tile"):
        Tile.parse("0", text)


@pytest.mark.parametrize("level", ["", "-1", "00", "01", "64", "1.0", "entries", "٣"])
def test_a_level_is_a_number_up_to_63(level: str):
    with pytest.raises(BadTile, match="malformed_tile"):
        Tile.parse(level, "000")


@given(st.integers(0, 10**18 - 1), st.integers(1, 256), st.integers(0, 63))
def test_what_is_written_is_read_again(index: int, width: int, level: int):
    tile = Tile(level, index, width)
    _, text, rest = tile.path.split("/", 2)
    assert Tile.parse(text, rest) == tile


def test_a_tree_has_the_tiles_that_the_specification_counts():
    """70,000 leaves: 273 full tiles and one of 112; one full of level 1 and one of 17; one of width 1 at level 2."""
    there = [Tile(0, 272), Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    beyond = [Tile(0, 273), Tile(0, 273, 113), Tile(0, 274, 1), Tile(1, 1), Tile(1, 1, 18), Tile(2, 0, 2), Tile(3, 0, 1), Tile(63, 0, 1)]

    assert [tile.within(70_000) for tile in there] == [True] * len(there)
    assert [tile.within(70_000) for tile in beyond] == [False] * len(beyond)
    assert Tile(1, 0, 1).within(256)
    assert not Tile(0, 0, 1).within(0)


async def test_every_proof_of_every_small_tree_is_the_one_from_all_leaf_hashes():
    for size in range(1, 41):
        assert await tiles.root_of(size, ALL) == root(HASHES[:size])
        for index in range(size):
            assert await tiles.inclusion(index, size, ALL) == path(index, HASHES[:size])
        for old in range(size + 1):
            assert await tiles.consistency(old, size, ALL) == consistency_path(old, HASHES[:size])


@pytest.mark.parametrize("size", EDGES)
async def test_around_a_full_tile_too(size: int):
    hashes, there = HASHES[:size], [at for at in (255, 256, 65_535, 65_536, size - 2) if at < size]

    assert await tiles.root_of(size, ALL) == root(hashes)
    for index in there:
        assert await tiles.inclusion(index, size, ALL) == path(index, hashes)
    for old in (*there, size):
        assert await tiles.consistency(old, size, ALL) == consistency_path(old, hashes)


@pytest.mark.parametrize("size", [70, 255, 256, 257, 700])
async def test_they_are_those_of_pymerkle(size: int):
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for leaf in LEAVES[:size]:
        tree.append_entry(leaf)

    assert await tiles.root_of(size, ALL) == tree.get_root()
    for index in {*range(0, size, 31), 255, 256, size - 1} & set(range(size)):
        assert await tiles.inclusion(index, size, ALL) == tree.prove_inclusion(index + 1, size).path[1:]
    for old in {*range(1, size, 31), 255, 256} & set(range(1, size)):
        found = await tiles.consistency(old, size, ALL)
        check_consistency(old, tree.get_root(old), size, tree.get_root(size), found)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, MOST), st.data())
async def test_a_proof_reads_two_tiles_a_level_at_most(size: int, data: st.DataObject):
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    levels = max(1, -(-size.bit_length() // 8))
    ALL.read.clear()

    proof = await tiles.inclusion(index, size, ALL)
    of_inclusion = len(ALL.read)
    steps = await tiles.consistency(old, size, ALL)

    assert root_from_path(index, size, HASHES[index], proof) == await tiles.root_of(size, ALL)
    check_consistency(old, await tiles.root_of(old, ALL), size, await tiles.root_of(size, ALL), steps)
    assert of_inclusion <= 2 * levels
    assert all(one.within(size) for one in ALL.read)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.one_of(st.integers(1, 300), st.integers(200, 1500)), min_size=1, max_size=8))
@example([255, 1, 65_279, 1, 300])
async def test_whatever_the_batches_the_tiles_are_those_of_the_whole_tree(batches: list[int]):
    made, size = Served(batches), min(sum(batches), MOST)

    whole = HASHES[:size]
    for level in (1, 2):
        whole = [root(whole[at : at + 256]) for at in range(0, len(whole) - len(whole) % 256, 256)]
        assert made.levels.get(level, []) == whole
    assert made.edge == Edge().append(HASHES[:size])[0]


async def test_a_tile_that_was_changed_proves_nothing():
    """Of each tile that a proof reads, each hash that it uses: to the receipts' checker, and to the witnesses'."""
    size, index, old, key = 66_049, 300, 65_537, LogKey.generate("log.example")
    note, checker = key.sign("log.example", size, await tiles.root_of(size, ALL)), ReceiptChecker([key.vkey])
    good = write_proof(index, await tiles.inclusion(index, size, ALL), note)
    assert checker.included(HASHES[index], good) == index
    steps, ends = await tiles.consistency(old, size, ALL), (await tiles.root_of(old, ALL), await tiles.root_of(size, ALL))
    check_consistency(old, ends[0], size, ends[1], steps)
    refused = 0

    for victim in ((0, 301), (0, 511), (1, 0), (1, 255), (1, 256), (0, 66_048), (0, 65_536)):
        changed = Served(())
        changed.levels = {level: list(nodes) for level, nodes in ALL.levels.items()}
        changed.levels[victim[0]][victim[1]] = hashlib.sha256(b"another").digest()
        proof = write_proof(index, await tiles.inclusion(index, size, changed), note)
        path = await tiles.consistency(old, size, changed)
        if proof != good:
            refused += 1
            with pytest.raises(BadReceipt, match="not_included"):
                checker.included(HASHES[index], proof)
        if path != steps:
            refused += 1
            with pytest.raises(Inconsistent):
                check_consistency(old, ends[0], size, ends[1], path)
    assert refused >= 7


@pytest.mark.parametrize("given", [None, b"", bytes(HASH), bytes(256 * HASH - 1), bytes(257 * HASH)])
async def test_a_tile_that_is_missing_or_of_another_length_is_none(given: bytes | None):
    async def fetch(wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        return {} if given is None else dict.fromkeys(wanted, given)

    with pytest.raises(BadTile, match="missing_tile" if given is None else "malformed_tile"):
        await tiles.inclusion(3, 512, fetch)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 5), (5, 5), (6, 5)])
async def test_what_is_not_in_a_tree_has_no_proof(index: int, size: int):
    with pytest.raises(BadPath):
        await tiles.inclusion(index, size, ALL)


@pytest.mark.parametrize(("old", "new"), [(-1, 5), (6, 5)])
async def test_no_tree_is_the_beginning_of_a_shorter_one(old: int, new: int):
    with pytest.raises(BadPath):
        await tiles.consistency(old, new, ALL)


async def test_a_great_log_needs_no_more_than_its_edge_and_a_few_tiles():
    """2^40 leaves that are all alike: each node of a height is the same, so that nobody has to hold them."""
    alike, size = [HASHES[0]], 2**40 + 3
    for _ in range(56):
        alike.append(node_hash(alike[-1], alike[-1]))
    read: list[Tile] = []

    async def fetch(wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        read.extend(wanted)
        return {one: alike[one.level * 8] * one.width for one in wanted}

    found = await tiles.inclusion(2**39 + 12_345, size, fetch)

    assert root_from_path(2**39 + 12_345, size, HASHES[0], found) == await tiles.root_of(size, fetch)
    assert len(found) == 41
    assert len(read) <= 2 * 12
