"""handed(instance, partition, next_offset): up to where this instance's replies were handed over, or their end was ordered.

After a restart what lies beyond it is looked at again, so the row may be behind and must never be ahead.
"""

import asyncio
import logging

from counterfoil_server.runtime.store.database import AWAY, Pool

log = logging.getLogger("counterfoil.gateway")
EVERY = 0.1


class Handed:
    def __init__(self, db: Pool, instance: str, partition: int) -> None:
        self._db, self._instance, self._partition = db, instance, partition
        self._read = 0
        self._held: set[int] = set()
        self._saved = -1

    @property
    def next_offset(self) -> int:
        return min(self._held, default=self._read)

    def read(self, offset: int) -> None:
        """Everything before `offset` was seen; what of it is not dealt with is held."""
        self._read = max(self._read, offset)

    def hold(self, offset: int) -> None:
        self._held.add(offset)

    def done(self, *offsets: int) -> None:
        self._held.difference_update(offsets)

    async def last(self) -> int | None:
        """What the row says: None where this instance was never here."""
        found: int | None = await self._db.fetchval(
            "SELECT next_offset FROM handed WHERE instance = $1 AND partition = $2", self._instance, self._partition
        )
        return found

    async def save(self) -> None:
        now = self.next_offset
        if now != self._saved:
            await self._db.execute(
                "INSERT INTO handed (instance, partition, next_offset) VALUES ($1, $2, $3)"
                " ON CONFLICT (instance, partition) DO UPDATE SET next_offset = excluded.next_offset",
                self._instance,
                self._partition,
                now,
            )
            self._saved = now

    async def keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.save()
            except AWAY as error:  # it is only behind for longer
                log.warning("handed not saved", extra={"error": type(error).__name__})
                await asyncio.sleep(1)
