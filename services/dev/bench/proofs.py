"""`python -m services.dev.bench.proofs`: what a proof costs in a log of ten million leaves, to make from tiles and to check.

The log is made of hashes that follow from their index, and appended in batches as its writer does: of it are kept the right edge and the roots of
full tiles. A tile of leaf hashes is made anew when a proof reads it, in the place of PostgreSQL's reading it.
"""

import argparse
import asyncio
import hashlib
import random
import sys
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

from counterfoil.wire import tiles
from counterfoil.wire.checkpoint import check
from counterfoil.wire.consistency import check_consistency
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import HASH, Edge
from counterfoil.wire.receipt import ReceiptChecker, write_proof
from counterfoil.wire.tiles import WIDTH, Tile
from services.dev.bench.conditions import conditions
from services.dev.bench.figures import Figure, table
from services.dev.bench.spread import percentile

ORIGIN = "bench.example/log"
BATCH = 256
TARGET = 5.0


def leaf(index: int) -> bytes:
    return b'{"seq":%d}' % index


def hashed(first: int, count: int) -> list[bytes]:
    return [hashlib.sha256(b"\x00" + leaf(index)).digest() for index in range(first, first + count)]


class Tree:
    """`roots`: of full tiles, level by level, 32 bytes each: 1/255 of the leaf hashes."""

    def __init__(self, size: int) -> None:
        self.edge, self.roots = Edge(), [bytearray() for _ in range(8)]
        while self.edge.size < size:
            grown = self.edge.grow(hashed(self.edge.size, min(BATCH, size - self.edge.size)))
            self.edge = grown.edge
            for (level, _), node in grown.roots.items():
                self.roots[level] += node

    async def fetch(self, wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        return {one: self._tile(one) for one in wanted}

    def _tile(self, one: Tile) -> bytes:
        first = one.index * WIDTH
        if one.level == 0:
            return b"".join(hashed(first, one.width))
        return bytes(self.roots[one.level][first * HASH : (first + one.width) * HASH])


async def measured(size: int, times: int) -> list[Figure]:
    began = time.perf_counter()
    tree, key, draw = Tree(size), LogKey.generate(ORIGIN), random.Random(7)  # noqa: S311 - which leaves
    grown, note = time.perf_counter() - began, key.sign(ORIGIN, size, tree.edge.root())
    kept = sum(map(len, tree.roots))
    made, checked, shown, agreed = zip(
        *[await timed(tree, key, note, draw.randrange(size), draw.randrange(1, size)) for _ in range(times)], strict=True
    )
    return [
        Figure(
            f"append of {size:,} leaf hashes, with tiles, in batches of {BATCH}", grown * 1e6 / size, "us each", beside=f"{kept:,} bytes of roots"
        ),
        figure("inclusion proof made from tiles", made),
        figure("inclusion proof checked, signature and all", checked, TARGET),
        figure("consistency proof made from tiles", shown),
        figure("consistency proof checked, signature and all", agreed, TARGET),
    ]


async def timed(tree: Tree, key: LogKey, note: str, index: int, old: int) -> Sequence[float]:
    """Milliseconds: made and checked, of either proof. Every check verifies the checkpoint's signature anew."""
    size, before = tree.edge.size, await tiles.root_of(old, tree.fetch)
    marks = [time.perf_counter()]
    path = await tiles.inclusion(index, size, tree.fetch)
    marks.append(time.perf_counter())
    ReceiptChecker([key.vkey]).check(leaf(index), write_proof(index, path, note))
    marks.append(time.perf_counter())
    steps = await tiles.consistency(old, size, tree.fetch)
    marks.append(time.perf_counter())
    check_consistency(old, before, size, check(note, [key.vkey]).root, steps)
    marks.append(time.perf_counter())
    return [(end - start) * 1000 for start, end in pairwise(marks)]


def figure(name: str, taken: Sequence[float], most: float | None = None) -> Figure:
    return Figure(name, percentile(sorted(taken), 0.5), "ms", most=most, beside=f"p99 {percentile(sorted(taken), 0.99):.2f}, most {max(taken):.2f}")


def main(given: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m services.dev.bench.proofs", description=__doc__)
    parser.add_argument("--leaves", type=int, default=10_000_000)
    parser.add_argument("--proofs", type=int, default=1000)
    asked = parser.parse_args(None if given is None else list(given))
    found = asyncio.run(measured(asked.leaves, asked.proofs))
    sys.stdout.write(table(found, conditions()) + "\n")
    return 1 if any(one.holds is False for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
