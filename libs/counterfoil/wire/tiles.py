"""Tiles: a log's Merkle tree in pieces of 256 hashes, as C2SP tlog-tiles, and the proofs that are made of a few of them.

https://c2sp.org/tlog-tiles
"""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from counterfoil.wire.armor import decimal
from counterfoil.wire.broken import Broken
from counterfoil.wire.merkle import EMPTY, HASH, TILE, BadPath, folded, root

WIDTH = 1 << TILE
MOST_LEVEL = 63
NUMBER = re.compile(r"((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class BadTile(Broken):
    """malformed_tile: no such address, or not as many hashes as it has; missing_tile."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The `width` hashes from `index` * 256 on, of the nodes of height 8 * `level`."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Below the log's prefix."""
        return f"tile/{self.level}/{number(self.index, self.width)}"

    @classmethod
    def parse(cls, level: str, text: str) -> Self:
        """Each tile has one spelling."""
        try:
            found = cls(decimal(level), *numbered(text))
        except ValueError:
            raise BadTile("malformed_tile") from None
        if found.level > MOST_LEVEL:
            raise BadTile("malformed_tile")
        return found

    def within(self, size: int) -> bool:
        """Whether a log of this size has it: only full tiles have a parent, so only complete nodes stand in one."""
        return self.index * WIDTH + self.width <= size >> TILE * self.level


Fetch = Callable[[Collection[Tile]], Awaitable[Mapping[Tile, bytes]]]
"""Whoever has tiles: a database, a server, a folder. What it gives need not be believed: a wrong hash gives a wrong root."""
Span = tuple[int, int]
"""Leaves from and to, without the last. The first is a multiple of a power of two that is at least their number."""
Node = tuple[int, int]
"""Its height, and its place among those of this height. Complete."""


def number(index: int, width: int = WIDTH) -> str:
    digits = f"{index:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]]) + ("" if width == WIDTH else f".p/{width}")


def numbered(text: str) -> tuple[int, int]:
    """Index and width."""
    matched = NUMBER.fullmatch(text)
    if matched is None:
        raise BadTile("malformed_tile")
    index, width = int(matched[1].replace("x", "").replace("/", "")), int(matched[2] or WIDTH)
    if number(index, width) != text or width > WIDTH:
        raise BadTile("malformed_tile")
    return index, width


async def inclusion(index: int, size: int, fetch: Fetch) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962: what `merkle.path` gives of all leaf hashes, from two tiles a level."""
    return await _hashes(_siblings(index, size), size, fetch)


async def consistency(old: int, new: int, fetch: Fetch) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962. From the empty tree, and to itself, the proof is empty."""
    if not 0 <= old <= new:
        raise BadPath("malformed_path")
    return await _hashes(_between(old, new) if old else [], new, fetch)


async def root_of(size: int, fetch: Fetch) -> bytes:
    return (await _hashes([(0, size)], size, fetch))[0] if size else EMPTY


def _siblings(index: int, size: int) -> list[Span]:
    """From the leaf's up to the root's child."""
    if not 0 <= index < size:
        raise BadPath("malformed_path")
    starts = [((index >> height) ^ 1) << height for height in range((size - 1).bit_length())]
    return [(start, min(start + (1 << height), size)) for height, start in enumerate(starts) if start < size]


def _between(old: int, new: int) -> list[Span]:
    """SUBPROOF, from its root down; it is read from below."""
    found: list[Span] = []
    low, high, whole = 0, new, True
    while old != high:
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        if old <= middle:
            found.append((middle, high))
            high = middle
        else:
            found.append((low, middle))
            low, whole = middle, False
    return [*([] if whole else [(low, high)]), *reversed(found)]


def _nodes(span: Span) -> list[Node]:
    """The complete nodes that a span is made of, the largest first."""
    low, high = span
    found = []
    while low < high:
        height = (high - low).bit_length() - 1
        found.append((height, low >> height))
        low += 1 << height
    return found


async def _hashes(spans: Sequence[Span], size: int, fetch: Fetch) -> list[bytes]:
    """All tiles at once, each once."""
    nodes = [_nodes(span) for span in spans]
    tiles = await fetch({_holder(node, size) for each in nodes for node in each})
    return [folded([_read(node, _holder(node, size), tiles) for node in each]) for each in nodes]


def _holder(node: Node, size: int) -> Tile:
    height, at = node
    level, above = divmod(height, TILE)
    index = at << above >> TILE
    return Tile(level, index, min(WIDTH, (size >> TILE * level) - index * WIDTH))


def _read(node: Node, tile: Tile, tiles: Mapping[Tile, bytes]) -> bytes:
    data = tiles.get(tile)
    if data is None:
        raise BadTile("missing_tile")
    if len(data) != tile.width * HASH:
        raise BadTile("malformed_tile")
    above = node[0] % TILE
    first = (node[1] << above) % WIDTH * HASH
    return root([data[at : at + HASH] for at in range(first, first + (HASH << above), HASH)])
