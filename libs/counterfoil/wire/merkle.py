"""RFC 6962 Merkle trees: hashes, roots, inclusion paths, and the right edge that lets a log grow without being kept in memory."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from counterfoil.wire.broken import Broken

HASH = 32
TILE = 8
"""A tile is a subtree of this height: https://c2sp.org/tlog-tiles"""
EMPTY = hashlib.sha256(b"").digest()


class BadPath(Broken):
    """malformed_path: no path of this length or shape belongs to that index and size; malformed_edge."""


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """Of leaf hashes, not of leaves."""
    while len(hashes) > 1:
        hashes = _parents(hashes)
    return hashes[0] if hashes else EMPTY


def path(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    """From the leaf's sibling up to the root's child."""
    if not 0 <= index < len(hashes):
        raise BadPath("malformed_path")
    found = []
    while len(hashes) > 1:
        if (index ^ 1) < len(hashes):
            found.append(hashes[index ^ 1])
        hashes, index = _parents(hashes), index >> 1
    return found


def root_from_path(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that this path leads to from this leaf hash; whoever asks compares it with one that was signed."""
    if not 0 <= index < size or len(leaf) != HASH or any(len(step) != HASH for step in path):
        raise BadPath("malformed_path")
    steps, node, last = iter(path), leaf, size - 1
    while last:
        if index & 1 or index < last:  # else a last node without a sibling: it stands one level up as it is
            step = next(steps, None)
            if step is None:
                raise BadPath("malformed_path")
            node = node_hash(step, node) if index & 1 else node_hash(node, step)
        index, last = index >> 1, last >> 1
    if next(steps, None) is not None:
        raise BadPath("malformed_path")
    return node


def folded(peaks: Sequence[bytes]) -> bytes:
    """The root over full subtrees that stand side by side, the largest first."""
    node = peaks[-1]
    for peak in reversed(peaks[:-1]):
        node = node_hash(peak, node)
    return node


@dataclass(frozen=True, slots=True)
class Grown:
    """`edge`: with the new leaves. `paths`: of each of them to its root. `roots`: by level and index, of the full tiles that they completed."""

    edge: "Edge"
    paths: list[list[bytes]]
    roots: dict[tuple[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree: its size and the roots of its full subtrees, the largest first. O(log n), and enough to append."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        return folded(self.peaks) if self.peaks else EMPTY

    def append(self, hashes: Sequence[bytes]) -> tuple["Edge", list[list[bytes]]]:
        """The edge with these leaf hashes added, and the path of each of them to its root."""
        grown = self.grow(hashes)
        return grown.edge, grown.paths

    def grow(self, hashes: Sequence[bytes]) -> Grown:
        if not hashes:
            return Grown(self, [], {})
        levels, size = self._levels(hashes), self.size + len(hashes)
        return Grown(self._grown(size, levels), self._paths(levels), self._roots(size, levels))

    def _levels(self, hashes: Sequence[bytes]) -> list[list[bytes]]:
        """Level by level all nodes above the new leaves, each level led by the old peak that is its left neighbour, if there is one."""
        peaks, levels, nodes, height = list(self.peaks), list[list[bytes]](), list(hashes), 0
        while True:
            if self.size >> height & 1:
                nodes = [peaks.pop(), *nodes]
            levels.append(nodes)
            if len(nodes) == 1 and not self.size >> height:
                return levels
            nodes, height = _parents(nodes), height + 1

    def _grown(self, size: int, levels: list[list[bytes]]) -> "Edge":
        peaks = [nodes[(size >> height) - 1 - self._first(height)] for height, nodes in enumerate(levels) if size >> height & 1]
        return Edge(size, tuple(reversed(peaks)))

    def _roots(self, size: int, levels: list[list[bytes]]) -> dict[tuple[int, int], bytes]:
        """A level of tiles is eight of the tree's. The nodes that were complete before are on the left of these."""
        return {
            (height // TILE, at): levels[height][at - self._first(height)]
            for height in range(TILE, len(levels), TILE)
            for at in range(self.size >> height, size >> height)
        }

    def _paths(self, levels: list[list[bytes]]) -> list[list[bytes]]:
        """From the top down: a node's path is its sibling and then its parent's path, so that what leaves share is built once."""
        above: list[list[bytes]] = [[]]
        for height in range(len(levels) - 2, -1, -1):
            first, nodes = self._first(height), levels[height]
            start, parent = self.size >> height, self.size >> height + 1
            above = [
                [*([nodes[(at ^ 1) - first]] if (at ^ 1) - first < len(nodes) else []), *above[(at >> 1) - parent]]
                for at in range(start, first + len(nodes))
            ]
        return above

    def _first(self, height: int) -> int:
        """The position in its level of the leftmost node that `_levels` holds."""
        return (self.size >> height) - (self.size >> height & 1)

    def to_bytes(self) -> bytes:
        return self.size.to_bytes(8) + b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        size = int.from_bytes(data[:8])
        if len(data) != 8 + HASH * size.bit_count():
            raise BadPath("malformed_edge")
        return cls(size, tuple(data[at : at + HASH] for at in range(8, len(data), HASH)))


def _parents(nodes: Sequence[bytes]) -> list[bytes]:
    """One level up. A last node without a sibling moves up as it is, which is the split of RFC 6962 seen from below."""
    pairs = [node_hash(nodes[at], nodes[at + 1]) for at in range(0, len(nodes) - 1, 2)]
    return [*pairs, nodes[-1]] if len(nodes) & 1 else pairs
