"""The registry, as a process holds it: one snapshot, swapped whole, and confirmed every two seconds."""

import asyncio
import logging
import time
from collections.abc import Callable

import asyncpg

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.snapshot import EMPTY, ENTRY, Entry, Snapshot
from counterfoil_server.runtime.store.database import AWAY, Pool
from counterfoil_server.runtime.store.hint import Hint

log = logging.getLogger("counterfoil.registry")
CHANNEL = "registry"
EVERY, STALE_AFTER = 2.0, 10.0
PATIENCE = 4.0
"""Seconds for one answer of the database: shorter than what makes a snapshot stale."""

HEAD = "SELECT revision FROM registry_head"
# One statement, so one moment: a head of one revision never meets entries of another.
READ = """SELECT head.revision AS head, kind, name, entry.revision, CASE WHEN entry.revision > $1 THEN entry END AS entry
    FROM registry_head head LEFT JOIN registry_entry entry ON true"""


class Registry:
    def __init__(self, db: Pool, dsn: Secret, clock: Callable[[], float] = time.monotonic) -> None:
        self._db, self._clock = db, clock
        self._parsed: dict[tuple[str, str], tuple[int, Entry]] = {}
        self._confirmed: float | None = None
        self._hint = Hint(dsn, CHANNEL)
        self.snapshot: Snapshot = EMPTY

    def fresh(self, now: float | None = None) -> bool:
        """Whether decisions may rest on the snapshot. `now` is monotonic."""
        return self._confirmed is not None and (self._clock() if now is None else now) - self._confirmed <= STALE_AFTER

    async def load(self) -> None:
        """Entries that did not change are not read again."""
        asked = self._clock()
        rows = await self._rows(self.snapshot.revision)
        if rows[0]["head"] < self.snapshot.revision or any(row["kind"] and row["entry"] is None and self._known(row) is None for row in rows):
            self._parsed = {}  # an older database came back: what is kept is not its past
            rows = await self._rows(0)
        found = {
            (row["kind"], row["name"]): self._known(row) or (row["revision"], ENTRY.validate_python(row["entry"])) for row in rows if row["kind"]
        }
        self._parsed = found
        self.snapshot = Snapshot.of(rows[0]["head"], [entry for _, entry in found.values()])
        self._confirmed = asked

    async def _rows(self, since: int) -> list[asyncpg.Record]:
        async with asyncio.timeout(PATIENCE):
            rows: list[asyncpg.Record] = await self._db.fetch(READ, since)
        return rows

    def _known(self, row: asyncpg.Record) -> tuple[int, Entry] | None:
        known = self._parsed.get((row["kind"], row["name"]))
        return known if known is not None and known[0] == row["revision"] else None

    async def confirm(self) -> None:
        """The clock is read before the question is asked: what the database says is no younger than that."""
        asked = self._clock()
        async with asyncio.timeout(PATIENCE):
            revision = await self._db.fetchval(HEAD)
        if revision != self.snapshot.revision:
            await self.load()
            log.info("registry changed", extra={"revision": self.snapshot.revision})
        else:
            self._confirmed = asked

    async def run(self) -> None:
        """A notification is a hint; the confirmation every two seconds is what counts."""
        hints = asyncio.create_task(self._hint.run())
        try:
            while True:
                try:
                    await self.confirm()
                except (*AWAY, ValueError) as error:  # ValueError: an entry that this version cannot read
                    log.warning("registry not confirmed", extra={"error": type(error).__name__, "revision": self.snapshot.revision})
                await self._hint.wait(EVERY)
        finally:
            hints.cancel()
