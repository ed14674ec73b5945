"""The one connection that may append. It holds the writer's lock, and whoever loses it must end."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import asyncpg

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store import locks
from counterfoil_server.runtime.store.database import Connection

log = logging.getLogger("counterfoil.audit")
PROBE = 1.0
SETTINGS = {
    "application_name": "counterfoil-audit-writer",
    # A host that vanishes must not keep the lock: the server gives it up after half a minute.
    "tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "4",
    # Every statement here looks up by key, and some are planned while the tables are still empty.
    "enable_seqscan": "off", "jit": "off",
}  # fmt: skip


class Writer:
    def __init__(self, db: Connection) -> None:
        self._db = db
        self._turn = asyncio.Lock()

    async def fetch(self, statement: str, *arguments: Any) -> Sequence[Any]:
        """Statements are whole transactions here, and come one at a time."""
        async with self._turn:
            rows: Sequence[Any] = await self._db.fetch(statement, *arguments)
            return rows

    async def close(self) -> None:
        async with self._turn:
            await self._db.close(timeout=5)


async def writer(dsn: Secret, probe: float = PROBE) -> Writer:
    """Returns once no other process is the writer. Until then this one stands by, and has not joined its group."""
    db = await asyncpg.connect(dsn.text(), timeout=10, command_timeout=10, server_settings=SETTINGS)
    try:
        stands_by = False
        while not await db.fetchval("SELECT pg_try_advisory_lock($1, $2)", locks.SINGLETONS, locks.AUDIT_WRITER):
            if not stands_by:
                log.info("standing by: another process writes the audit log")
                stands_by = True
            await asyncio.sleep(probe)
    except BaseException:
        await db.close(timeout=5)
        raise
    return Writer(db)
