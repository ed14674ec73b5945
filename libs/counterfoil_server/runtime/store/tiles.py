"""The log's tiles as they lie in PostgreSQL: leaf hashes with the leaves, roots of full tiles beside them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from counterfoil.wire import tiles
from counterfoil.wire.merkle import HASH
from counterfoil.wire.tiles import WIDTH, BadTile, Tile

# Subqueries, so that each tile is one range of a key; all in one question, since a round trip costs more than a tile.
READ = """
    SELECT place, CASE wanted.level
        WHEN 0 THEN (SELECT string_agg(leaf_hash, ''::bytea ORDER BY idx) FROM audit_leaf WHERE idx >= first AND idx < first + width)
        ELSE (SELECT string_agg(hash, ''::bytea ORDER BY idx) FROM audit_tile AS t
              WHERE t.level = wanted.level AND idx >= first AND idx < first + width)
    END AS hashes
    FROM unnest($1::smallint[], $2::bigint[], $3::int[]) WITH ORDINALITY AS wanted(level, first, width, place)
"""
ENTRIES = "SELECT bytes FROM audit_leaf WHERE idx >= $1 AND idx < $2 ORDER BY idx"


class Reads(Protocol):
    """A pool, or the writer."""

    async def fetch(self, statement: str, *arguments: Any) -> Sequence[Any]: ...


class Tiles:
    """Two tiles a level are read for a proof, whatever the log's size. BadTile: a writer of before has left some for the next one to make."""

    def __init__(self, db: Reads) -> None:
        self._db = db

    async def inclusion(self, index: int, size: int) -> list[bytes]:
        return await tiles.inclusion(index, size, self.fetch)

    async def consistency(self, old: int, new: int) -> list[bytes]:
        return await tiles.consistency(old, new, self.fetch)

    async def root(self, size: int) -> bytes:
        return await tiles.root_of(size, self.fetch)

    async def tile(self, level: int, index: int, width: int = WIDTH) -> bytes:
        """Its hashes, one after another."""
        wanted = Tile(level, index, width)
        found = (await self.fetch([wanted])).get(wanted, b"")
        if len(found) != width * HASH:
            raise BadTile("missing_tile")
        return found

    async def entries(self, index: int, width: int = WIDTH) -> list[bytes]:
        """The leaves that a tile of level 0 has the hashes of."""
        first = index * WIDTH
        found = [bytes(row["bytes"]) for row in await self._db.fetch(ENTRIES, first, first + width)]
        if len(found) != width:
            raise BadTile("missing_tile")
        return found

    async def fetch(self, wanted: Collection[Tile]) -> Mapping[Tile, bytes]:
        """Only whole ones."""
        asked = list(wanted)
        if not asked:
            return {}
        rows = await self._db.fetch(READ, [one.level for one in asked], [one.index * WIDTH for one in asked], [one.width for one in asked])
        found = {asked[row["place"] - 1]: bytes(row["hashes"] or b"") for row in rows}
        return {tile: hashes for tile, hashes in found.items() if len(hashes) == tile.width * HASH}
