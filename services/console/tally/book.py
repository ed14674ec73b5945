"""The tally in PostgreSQL: it follows the log from where it was, and is right whoever of several consoles counts."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.store.database import AWAY, Pool
from services.console.tally.counting import counted

log = logging.getLogger("counterfoil.console")
MOST = 2000
"""Leaves at a time: some 30 ms of work."""
PAUSE = 1.0
KEPT = timedelta(days=32)
# The head's row is the lock: of two consoles the second finds it moved on.
MOVED = "UPDATE console_tally_head SET next_idx = $2 WHERE next_idx = $1 RETURNING true"
ADDED = """
    INSERT INTO console_tally (hour, connector, outcome, code, count)
    SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::bigint[])
    ON CONFLICT (hour, connector, outcome, code) DO UPDATE SET count = console_tally.count + excluded.count
"""


class Tally:
    def __init__(self, db: Pool, now: Clock) -> None:
        self._db, self._now = db, now

    async def run(self) -> None:
        while True:
            try:
                behind = await self.advance()
                if not behind:
                    await self._db.execute("DELETE FROM console_tally WHERE hour < $1", self._now() - KEPT)
            except AWAY as error:
                log.warning("the tally waits", extra={"error": type(error).__name__})
                behind = False
            await asyncio.sleep(0.02 if behind else PAUSE)

    async def advance(self) -> bool:
        """Some leaves further; whether there are more."""
        start = await self._db.fetchval("SELECT next_idx FROM console_tally_head")
        rows = await self._db.fetch("SELECT bytes FROM audit_leaf WHERE idx >= $1 AND idx < $2 ORDER BY idx", start, start + MOST)
        if not rows:
            return False
        names = {row["name"] for row in await self._db.fetch("SELECT name FROM connector")}
        found = counted([row["bytes"] for row in rows], names)
        async with self._db.acquire() as connection, connection.transaction():
            if await connection.fetchval(MOVED, start, start + len(rows)):
                await connection.execute(ADDED, *zip(*((*key, count) for key, count in found.items()), strict=True) if found else [[]] * 5)
        return len(rows) == MOST


@dataclass(frozen=True)
class Counted:
    """`behind`: leaves that are in the log and not counted yet."""

    rows: Sequence[Any]
    behind: int


async def since(db: Pool, start: datetime) -> Counted:
    rows = await db.fetch("SELECT hour, connector, outcome, code, count FROM console_tally WHERE hour >= $1 ORDER BY hour", start)
    size = await db.fetchval("SELECT size FROM audit_head") or 0
    return Counted(rows, size - await db.fetchval("SELECT next_idx FROM console_tally_head"))
