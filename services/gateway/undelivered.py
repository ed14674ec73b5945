"""What was minted and never handed over: its end is ordered, by request_hash, for nobody here can open the box any more."""

import asyncio
import logging
from collections.abc import Sequence

from counterfoil.contracts.revocation_ordered import revocation_id
from counterfoil_server.runtime.store.database import AWAY, Pool
from services.gateway.handed import Handed

log = logging.getLogger("counterfoil.gateway")
MOST = 1000
# Of one whose call is on the wire nothing can be ended before its window has closed: it would be made after its end.
ALIVE = """SELECT credential_id, greatest(clock_timestamp(), CASE WHEN state = 'minting' THEN window_closes_at + interval '1 second' END) AS due
    FROM mint WHERE request_hash = ANY($1::text[]) AND state IN ('minting', 'active')"""


class Undelivered:
    def __init__(self, db: Pool, handed: Handed) -> None:
        self._db, self._handed = db, handed
        self._waiting: list[tuple[str, Sequence[int]]] = []
        self._something = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, request_hash: str, offsets: Sequence[int]) -> None:
        """The offsets stay held until the order is committed: a crash before that finds the reply again."""
        self._waiting.append((request_hash, offsets))
        self._something.set()

    async def run(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            try:
                await self.flush()
            except AWAY as error:
                log.warning("undelivered not ordered yet", extra={"error": type(error).__name__, "count": len(self._waiting)})
                self._something.set()
                await asyncio.sleep(1)

    async def flush(self) -> None:
        while self._waiting:
            batch = self._waiting[:MOST]
            ordered = await order_ends(self._db, [request_hash for request_hash, _ in batch])
            del self._waiting[: len(batch)]
            self._handed.done(*(offset for _, offsets in batch for offset in offsets))
            if ordered:
                log.info("undelivered, end ordered", extra={"count": ordered})


async def order_ends(db: Pool, request_hashes: Sequence[str]) -> int:
    """How many were alive. A denial has no row in the ledger, so nothing follows from it."""
    async with db.acquire() as connection, connection.transaction():
        alive = await connection.fetch(ALIVE, list(request_hashes))
        if alive:
            await connection.executemany(
                "INSERT INTO revocation (id, credential_id, cause, next_at) VALUES ($1, $2, 'undelivered', $3) ON CONFLICT DO NOTHING",
                [(revocation_id(row["credential_id"]), row["credential_id"], row["due"]) for row in alive],
            )
            await connection.execute("SELECT pg_notify('revocation', '')")
    return len(alive)
