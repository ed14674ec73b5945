"""Spans to PostgreSQL: a bounded queue, one writer, batches; what does not fit is dropped and counted, since no trace is worth an exchange."""

import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import asyncpg

from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.store.database import AWAY, Pool
from services.console.spans.decoding import Row

log = logging.getLogger("counterfoil.console")
QUEUED, BATCH = 8192, 512
KEPT = timedelta(hours=72)
AHEAD = timedelta(days=1)
PAUSE, LINGER, AGAIN = 300.0, 0.05, 1.0
MOMENTS = 20
"""Of LINGER each: how long a sender is kept waiting for room, before its spans are dropped."""
WRONG = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What no second try would change."""
OF_REQUEST = "SELECT trace_id FROM span WHERE request_id = $1 LIMIT 1"
OF_TRACE = "SELECT * FROM span WHERE trace_id = $1 ORDER BY started, seconds DESC LIMIT 200"


class Spans:
    def __init__(self, db: Pool, now: Clock) -> None:
        self._db, self._now = db, now
        self._queue: asyncio.Queue[Row] = asyncio.Queue(QUEUED)
        self._days: set[date] = set()
        self.dropped = 0

    def take(self, found: Sequence[Row | None]) -> int:
        """How many were refused: they have no id, their day has no partition, or there is no room."""
        taken = 0
        for row in found:
            if row is not None and row.started.date() in self._days:
                try:
                    self._queue.put_nowait(row)
                except asyncio.QueueFull:
                    break
                taken += 1
        self.dropped += len(found) - taken
        return len(found) - taken

    async def room(self, wanted: int) -> None:
        """A sender that is answered late sends less."""
        for _ in range(MOMENTS):
            if self._queue.qsize() + wanted <= self._queue.maxsize:
                return
            await asyncio.sleep(LINGER)

    async def write(self) -> None:
        """For ever: what came since the last batch is the next. A batch that the database could not take waits until it can."""
        while True:
            batch = await self._batch()
            while not await self._written(batch):  # noqa: ASYNC110 - the database has no event for it
                await asyncio.sleep(AGAIN)

    async def _batch(self) -> list[Row]:
        batch = [await self._queue.get()]
        if self._queue.qsize() < BATCH:
            await asyncio.sleep(LINGER)  # fifty at a time would cost twice as much
        while len(batch) < BATCH and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return batch

    async def _written(self, batch: Sequence[Row]) -> bool:
        """Whether there is nothing more to be done about it."""
        try:
            records = [(*row[:-1], json.dumps(row.attributes)) for row in batch]
            await self._db.copy_records_to_table("span", records=records, columns=Row._fields)
        except WRONG as error:
            self.dropped += len(batch)
            log.warning("spans were not kept", extra={"error": type(error).__name__, "count": len(batch)})
        except AWAY as error:
            log.warning("spans wait for the database", extra={"error": type(error).__name__, "count": len(batch)})
            return False
        return True

    async def turn(self) -> None:
        """Tomorrow's partition is there before its first span, and what is older than three days goes."""
        while True:
            try:
                await self.days()
            except AWAY as error:
                log.warning("partitions wait", extra={"error": type(error).__name__})
            await asyncio.sleep(PAUSE)

    async def days(self) -> None:
        now = self._now()
        wanted = {(now - KEPT).date() + timedelta(days=n) for n in range((KEPT + AHEAD).days + 1)}
        for day in sorted(wanted):
            await self._db.execute("SELECT span_day($1)", day)
        self._days = wanted
        await self._db.execute("SELECT span_forget($1)", min(wanted))


async def of_request(db: Pool, request_id: UUID) -> Sequence[Row]:
    """All spans of its trace, the earliest first; empty where it was not sampled, or is older than what is kept."""
    trace_id = await db.fetchval(OF_REQUEST, request_id)
    found = await db.fetch(OF_TRACE, trace_id) if trace_id else []
    return [Row._make([*tuple(row)[:-1], json.loads(row["attributes"])]) for row in found]
