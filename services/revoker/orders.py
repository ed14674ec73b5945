"""Orders in the ledger: from a predicate, or from what the ledger shows by itself, to one row per credential that has to die."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from counterfoil.contracts.revocation_ordered import revocation_id
from counterfoil.contracts.revocation_requested import Predicate
from counterfoil_server.runtime import crash
from counterfoil_server.runtime.store.database import Connection, Pool
from counterfoil_server.runtime.telemetry import phases

GRACE = timedelta(seconds=2)
UNANSWERED = timedelta(seconds=30)
ENDING = (
    "UPDATE mint SET state = 'revoking' FROM ({which}) AS w "
    "WHERE mint.credential_id = w.credential_id AND mint.state = w.state RETURNING mint.credential_id"
)
BY_PREDICATE = (
    "SELECT credential_id, state FROM mint WHERE state = 'active' AND ($1::uuid IS NULL OR credential_id = $1) "
    "AND ($2::text IS NULL OR request_hash = $2) AND ($3::text IS NULL OR connector = $3) AND ($4::text IS NULL OR project = $4) "
    "AND ($5::text IS NULL OR environment = $5) AND ($6::text IS NULL OR issuer = $6) AND ($7::text IS NULL OR sub_hash = $7) "
    "AND ($8::timestamptz IS NULL OR sent_at >= $8) AND ($9::timestamptz IS NULL OR sent_at < $9)"
)
EXPIRED = "SELECT credential_id, state FROM mint WHERE state = 'active' AND NOT ends_by_itself AND expires_at <= clock_timestamp() LIMIT 5000"
INTERRUPTED = (
    "SELECT credential_id, state FROM mint WHERE state = 'minting' AND window_closes_at < clock_timestamp() - $1::interval "
    "AND deadline < clock_timestamp() LIMIT 1000"
)
NEVER_ANSWERED = (
    "SELECT m.credential_id, m.state FROM mint m WHERE m.state = 'active' AND m.deadline >= $1 AND m.deadline < $2 "
    "AND NOT EXISTS (SELECT FROM reply r WHERE r.request_hash = m.request_hash AND r.credential_id = m.credential_id "
    "AND r.delivered IS NOT NULL) LIMIT 5000"
)


class Orders:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def obey(self, order_id: UUID, predicate: Predicate) -> bool:
        """Once per order: whether it was this time. What is being minted right now falls under the fence or block that came with the order."""
        async with self._pool.acquire() as db, db.transaction():
            open_ = await db.fetchval("SELECT true FROM revocation_order WHERE id = $1 AND ordered_at IS NULL FOR UPDATE", order_id)
            if not open_:
                return False
            crash.at("revoker.obeying")
            await end(
                db,
                BY_PREDICATE,
                "requested",
                order_id,
                predicate.credential_id,
                predicate.request_hash,
                predicate.connector,
                predicate.project,
                predicate.environment,
                predicate.issuer,
                predicate.sub_hash,
                predicate.since,
                predicate.until,
            )
            await db.execute("UPDATE revocation_order SET ordered_at = clock_timestamp() WHERE id = $1", order_id)
        crash.at("revoker.obeyed")
        return True

    async def expire(self) -> int:
        """What does not end by itself is ended; what does is written down as over."""
        async with self._pool.acquire() as db, db.transaction():
            ended = await end(db, EXPIRED, "expired", None)
            await db.execute("UPDATE mint SET state = 'expired' WHERE state = 'active' AND ends_by_itself AND expires_at <= clock_timestamp()")
        return ended

    async def reconcile(self, since: datetime, until: datetime) -> int:
        """What a crash left: intents whose window has closed, and credentials whose deadline lies in [since, until) and that nobody was given."""
        async with self._pool.acquire() as db, db.transaction():
            found = await end(db, INTERRUPTED, "orphan", None, GRACE)
            found += await end(db, NEVER_ANSWERED, "undelivered", None, since, until)
            if found:
                crash.at("reconciler.claiming")
        if found:
            crash.at("reconciler.claimed")
        return found

    async def unordered(self, limit: int = 1000) -> list[tuple[UUID, UUID, str, str, UUID | None, datetime, str | None]]:
        """Rows of which revocation.ordered does not know yet: id, credential, connector, cause, order, time, traceparent of the mint."""
        rows = await self._pool.fetch(
            "SELECT r.id, r.credential_id, m.connector, r.cause, r.order_id, r.at, m.traceparent FROM revocation r JOIN mint m USING (credential_id) "
            "WHERE r.ordered_at IS NULL ORDER BY r.at LIMIT $1",
            limit,
        )
        return [tuple(row) for row in rows]

    async def ordered(self, ids: Sequence[UUID]) -> None:
        rows = await self._pool.fetch("UPDATE revocation SET ordered_at = clock_timestamp() WHERE id = ANY($1::uuid[]) RETURNING at", list(ids))
        phases.reached("ordered", *(row["at"] for row in rows))

    async def done_fencing(self) -> None:
        """A fenced connector of which nothing is alive any more, and nothing can come any more, is revoked."""
        await self._pool.execute(
            "UPDATE connector c SET state = 'revoked' WHERE state = 'fenced' AND NOT EXISTS (SELECT FROM mint m WHERE m.connector = c.name "
            "AND m.state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain'))"
        )


async def end(db: Connection, which: str, cause: str, order_id: UUID | None, *values: object) -> int:
    """Inside a transaction: the state and the order change together. How many there were."""
    rows = await db.fetch(ENDING.format(which=which), *values)
    ids = [row["credential_id"] for row in rows]
    if ids:
        await db.execute(
            "INSERT INTO revocation (id, credential_id, cause, order_id) SELECT u.id, u.credential_id, $3, $4 "
            "FROM unnest($1::uuid[], $2::uuid[]) AS u(id, credential_id) ON CONFLICT DO NOTHING",
            [revocation_id(one) for one in ids],
            ids,
            cause,
            order_id,
        )
    return len(ids)
