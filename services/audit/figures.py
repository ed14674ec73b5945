"""What the log says of itself: how long, how late, how long since a head was signed; and whether all of it still hashes to that head."""

import asyncio
import json
import logging
import time
from datetime import UTC, datetime
from typing import Final

from opentelemetry.metrics import Meter

from counterfoil.wire.merkle import Edge, leaf_hash
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.instruments import Gauge
from counterfoil_server.runtime.telemetry.looking import looking

log = logging.getLogger("counterfoil.audit")
EVERY: Final = 2.0
LOT: Final = 500
"""Leaves that are hashed in one go: a few milliseconds."""
REST: Final = 30.0
"""For each second of reading, so many of rest: appending comes first."""
PAUSE: Final = 3600.0
"""Between two readings of the whole log."""
AGAIN: Final = 10.0
"""After one that could not be, or that found something."""
HEAD = """
    SELECT head.size, head.edge, extract(epoch FROM clock_timestamp() - heart.caught_up_to)::float8 AS lag,
        (SELECT bytes FROM audit_leaf WHERE idx = head.size - 1) AS last
    FROM audit_head AS head LEFT JOIN heartbeat AS heart ON heart.role = 'audit' AND heart.caught_up_to > '2000-01-01'
"""
MISSING = "SELECT $2::bigint - $1::bigint - count(*) FROM audit_leaf WHERE idx >= $1 AND idx < $2"
LEAVES = "SELECT idx, leaf_hash, bytes FROM audit_leaf WHERE idx >= $1 AND idx < $2 ORDER BY idx"


class Figures:
    def __init__(self, db: Pool, meter: Meter) -> None:
        self._db = db
        self._size, self._lag, self._gaps = Gauge(meter, names.AUDIT_HEAD), Gauge(meter, names.AUDIT_LAG), Gauge(meter, names.AUDIT_GAPS)
        self._signed, self._verified = Gauge(meter, names.CHECKPOINT_AGE), Gauge(meter, names.VERIFIED_AGE)
        self._counted = self._missing = 0
        self._good: float | None = None

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(looking("figures", self.turn, EVERY))
            group.create_task(looking("reading the log", self.read, AGAIN))

    async def turn(self) -> None:
        row = await self._db.fetchrow(HEAD)
        if row is None:
            return
        self._size.show((row["size"], {}))
        # Only what was appended since is counted: the leaves before it cannot be taken away (0001_tables.sql), and `read` finds it if they are.
        self._missing += await self._db.fetchval(MISSING, self._counted, row["size"])
        self._counted = row["size"]
        self._gaps.show((self._missing, {}))
        if row["lag"] is not None:
            self._lag.show((max(0.0, row["lag"]), {}))
        if row["last"] is not None:
            signed = datetime.fromisoformat(json.loads(row["last"])["time"])
            self._signed.show((max(0.0, (datetime.now(UTC) - signed).total_seconds()), {}))
        if self._good is not None:
            self._verified.show((time.monotonic() - self._good, {}))

    async def read(self) -> None:
        """All leaves, to the head of when it began."""
        row = await self._db.fetchrow(HEAD)
        if row is None or (self._good is not None and time.monotonic() - self._good < PAUSE):
            return
        head, edge = Edge.from_bytes(row["edge"]), Edge()
        while edge.size < head.size:
            started = time.perf_counter()
            leaves = await self._db.fetch(LEAVES, edge.size, min(edge.size + LOT, head.size))
            hashes = [leaf_hash(one["bytes"]) for one in leaves]
            if not hashes or hashes != [one["leaf_hash"] for one in leaves]:
                log.error("the log does not hold", extra={"code": "bad_leaf", "count": edge.size})
                return
            edge = edge.grow(hashes).edge
            await asyncio.sleep(REST * (time.perf_counter() - started))
        if edge.root() != head.root():
            log.error("the log does not hold", extra={"code": "bad_root", "count": edge.size})
            return
        self._good = time.monotonic()
