"""The last look before a credential is handed over, and the lock under which it stays true until the broker has the answer."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from counterfoil.contracts.revocation_ordered import revocation_id
from counterfoil.wire.lru import Lru
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.stage import Emit
from counterfoil_server.runtime.store import locks
from counterfoil_server.runtime.store.database import AWAY, Connection, Pool
from services.audit.replies import Reply

log = logging.getLogger("counterfoil.audit")
SILENT, AWAY_AFTER = 0.1, 5.0
"""Seconds. PostgreSQL takes the locks from a transaction that was silent for twice the first; a broker that is slower than the second holds up
no fence."""

# A block catches what was minted before its end, though it ended since: mint has looked at those of before. Blocks are read once; the rest are
# subqueries, not joins: each is one look by its key, however empty the tables were when this was planned.
PASSES = """
    WITH caught AS MATERIALIZED (
        SELECT connector, project, environment, issuer, sub_hash, least(lifted_at, until) AS ends FROM block
        WHERE (lifted_at IS NULL OR lifted_at > clock_timestamp() - interval '2 minutes')
          AND (until IS NULL OR until > clock_timestamp() - interval '2 minutes')
    )
    SELECT fact.place
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
        WITH ORDINALITY AS fact(credential_id, connector, epoch, project, environment, issuer, sub_hash, at, place)
    WHERE (SELECT c.state = 'active' AND c.epoch = fact.epoch FROM connector AS c WHERE c.name = fact.connector)
      AND (SELECT m.state = 'active' FROM mint AS m WHERE m.credential_id = fact.credential_id)
      AND NOT EXISTS (
        SELECT FROM caught AS b
        WHERE coalesce(b.ends > fact.at::timestamptz, true)
          AND coalesce(b.connector = fact.connector, true) AND coalesce(b.project = fact.project, true)
          AND coalesce(b.environment = fact.environment, true) AND coalesce(b.issuer = fact.issuer, true)
          AND coalesce(b.sub_hash = fact.sub_hash, true))
"""
MEMBERS = ("credential_id", "connector", "epoch", "project", "environment", "issuer", "sub_hash", "at")
REVOKED = "UPDATE reply SET outcome = 'revoked', box = false WHERE request_hash = ANY($1::text[])"
UNDELIVERED = """
    WITH dead AS (
        INSERT INTO revocation (id, credential_id, cause)
        SELECT id, credential_id, 'undelivered' FROM unnest($1::uuid[], $2::uuid[]) AS new(id, credential_id) ON CONFLICT DO NOTHING
    ) SELECT pg_notify('revocation', '')
"""


class Fence:
    def __init__(self, db: Pool, now: Clock) -> None:
        self._db, self._now = db, now
        self._ids: Lru[str, int] = Lru(4096)

    async def hand_over(self, replies: Sequence[Reply], emit: Emit) -> list[Reply]:
        """Send those that may be sent, and return the others.

        The other wording is not sealed beforehand: who is told `revoked` is handed nothing, so that answer needs no lock and is made after it.
        """
        if not replies:
            return []
        ids = await self._connectors({reply.standing.fact["connector"] for reply in replies})
        async with self._db.acquire() as db, locks.sharing(db, ids):
            looked = asyncio.get_running_loop().time()
            passing = await self._passing(db, replies, self._now())
            refused = [reply for reply in replies if reply not in passing]
            if refused:
                await self._refuse(db, refused)
            if passing:
                if asyncio.get_running_loop().time() - looked > SILENT:
                    await db.execute("SELECT")  # this process stood still: are the locks held yet?
                await held(db, sent(passing, emit))
        return refused

    async def _connectors(self, names: set[str]) -> list[int]:
        """A connector's id never changes. One that is not there has no lock, and its fact does not pass."""
        unknown = [name for name in names if self._ids.get(name) is None]
        if unknown:
            for row in await self._db.fetch("SELECT name, id FROM connector WHERE name = ANY($1::text[])", unknown):
                self._ids.put(row["name"], row["id"])
        return [found for name in names if (found := self._ids.get(name)) is not None]

    async def _passing(self, db: Connection, replies: Sequence[Reply], now: datetime) -> dict[Reply, None]:
        facts = [reply.standing.fact for reply in replies]
        rows = await db.fetch(PASSES, *([fact[member] for fact in facts] for member in MEMBERS))
        found = (replies[row["place"] - 1] for row in rows)
        return dict.fromkeys(reply for reply in found if now < reply.standing.deadline)

    async def _refuse(self, db: Connection, replies: Sequence[Reply]) -> None:
        dead = [reply.standing.credential_id for reply in replies if reply.standing.credential_id]
        await db.execute(REVOKED, [reply.standing.request_hash for reply in replies])
        await db.execute(UNDELIVERED, [revocation_id(one) for one in dead], dead)
        log.warning("not handed over", extra={"count": len(replies), "outcome": "revoked"})


async def sent(replies: Iterable[Reply], emit: Emit) -> None:
    await (await emit([reply.out for reply in replies]))


async def held(db: Connection, sending: Coroutine[Any, Any, None]) -> None:
    """Until the broker has it the locks are held, however long it takes: where they were gone, a fence would be accepted before what it stops."""
    task = asyncio.create_task(sending)
    try:
        with suppress(*AWAY):  # they are lost, and the commit will say so
            for _ in range(round(AWAY_AFTER / SILENT)):
                if (await asyncio.wait({task}, timeout=SILENT))[0]:
                    break
                await db.execute("SELECT")
        await task
    finally:
        task.cancel()
