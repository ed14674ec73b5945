"""The published head: every five seconds or thousand leaves the newest one, with the cosignatures of whoever witnesses it."""

import asyncio
import time
from collections.abc import Callable, Sequence

from counterfoil_server.runtime.loops import forever
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.store.tiles import Tiles
from services.audit.witnesses import Witness
from services.audit.writer import Writer

EVERY, LEAVES, LOOK = 5.0, 1000, 0.5

HEAD = "SELECT size, checkpoint FROM audit_head"
LAST = """
    SELECT p.size, array(SELECT c.witness FROM audit_cosignature AS c WHERE c.size = p.size) AS witnesses
    FROM audit_published AS p ORDER BY p.size DESC LIMIT 1
"""
PUBLISH = """
    WITH head AS (INSERT INTO audit_published (size, checkpoint) VALUES ($1, $2) ON CONFLICT DO NOTHING)
    INSERT INTO audit_cosignature (size, witness, line)
    SELECT $1, witness, line FROM unnest($3::text[], $4::text[]) AS new(witness, line) ON CONFLICT DO NOTHING
"""


class Publishing:
    """Reads beside the writer, whose connection appends all the while, and writes through it: whoever lost the log's lock publishes nothing."""

    def __init__(self, writer: Writer, db: Pool, witnesses: Sequence[Witness], now: Callable[[], float] = time.monotonic) -> None:
        self._writer, self._db, self._witnesses, self._now = writer, db, witnesses, now
        self._size: int | None = None
        self._cosigned: set[str] = set()
        self._at = float("-inf")

    async def run(self) -> None:
        await forever("publishing", self.turn, LOOK)

    async def turn(self, _: int) -> None:
        if self._size is None:
            await self._recall()
        row = await self._db.fetchrow(HEAD)
        if row is not None and self._due(row["size"]):
            await self._publish(row["size"], row["checkpoint"])

    def _due(self, size: int) -> bool:
        new, waited = size - (self._size or 0), self._now() - self._at >= EVERY
        return new >= LEAVES or (waited and (new > 0 or bool(self._lacking())))

    def _lacking(self) -> list[Witness]:
        return [one for one in self._witnesses if one.name not in self._cosigned]

    async def _publish(self, size: int, note: str) -> None:
        """Witnesses are asked first, all at once and for a moment only: a head is published with what they gave by then."""
        self._at = self._now()
        before = self._cosigned if size == self._size else set()
        asked = [one for one in self._witnesses if one.name not in before]
        lines = await asyncio.gather(*(one.cosignature(size, note, Tiles(self._db)) for one in asked))
        given = {one.name: line for one, line in zip(asked, lines, strict=True) if line is not None}
        await self._writer.fetch(PUBLISH, size, note, list(given), list(given.values()))
        self._size, self._cosigned = size, before | given.keys()

    async def _recall(self) -> None:
        row = await self._db.fetchrow(LAST)
        self._size, self._cosigned = (row["size"], set(row["witnesses"])) if row else (0, set())
