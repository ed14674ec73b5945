"""Whether the audit log keeps up. Nothing is asked that it could not record: no storm of late credentials when it comes back."""

import asyncio
import time
from datetime import timedelta

from counterfoil_server.runtime.store.database import AWAY, Pool
from services.gateway.problems import Problem

STALE = timedelta(seconds=5)
KEEP = 1.0


class Pulse:
    def __init__(self, db: Pool) -> None:
        self._db = db
        self._beats = False
        self._asked = -KEEP
        self._asking = asyncio.Lock()

    async def check(self) -> None:
        """Raises Problem where the heartbeat is older than 5 s. One reading serves all callers of a second."""
        if time.monotonic() - self._asked >= KEEP:
            async with self._asking:
                if time.monotonic() - self._asked >= KEEP:
                    await self._ask()
        if not self._beats:
            raise Problem("audit_unavailable", "the audit log is down or behind: nothing is lent that it could not record")

    async def _ask(self) -> None:
        try:
            age = await self._db.fetchval("SELECT clock_timestamp() - least(at, caught_up_to) FROM heartbeat WHERE role = 'audit'", timeout=3)
        except AWAY:
            raise Problem("unavailable", "the database is away") from None
        self._beats, self._asked = age is not None and age <= STALE, time.monotonic()
