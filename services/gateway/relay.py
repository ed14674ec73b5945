"""registry_change -> registry.changed, revocation_order -> revocation.requested: the rows are the outbox, marked when the broker has acknowledged."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from counterfoil.contracts import registry_changed, revocation_requested
from counterfoil.contracts.registry_changed import RegistryChanged
from counterfoil.contracts.revocation_requested import Actor, Predicate, RevocationRequested
from counterfoil_server.runtime import crash
from counterfoil_server.runtime.stage import TRANSPORT, Out
from counterfoil_server.runtime.store import locks
from counterfoil_server.runtime.store.database import AWAY, Pool
from counterfoil_server.runtime.store.hint import Hint

log = logging.getLogger("counterfoil.relay")
Send = Callable[[Sequence[Out]], Awaitable[None]]
AT_LEAST_EVERY = 1.0
BATCH = 50

# They hold no fence's lock, so they may wait for the broker.
PATIENT = "SET LOCAL idle_in_transaction_session_timeout = '10s'"
MINE = "SELECT pg_try_advisory_xact_lock($1, $2)"
CHANGES = "SELECT revision, id, at, actor, change, entry_kind, name, entry FROM registry_change WHERE relayed_at IS NULL ORDER BY revision LIMIT $1"
RELAYED = "UPDATE registry_change SET relayed_at = clock_timestamp() WHERE revision = ANY($1::bigint[])"
ORDERS = "SELECT id, actor, predicate, cause, at FROM revocation_order WHERE published_at IS NULL ORDER BY at LIMIT $1 FOR UPDATE SKIP LOCKED"
PUBLISHED = "UPDATE revocation_order SET published_at = clock_timestamp() WHERE id = ANY($1::uuid[])"


class Relay:
    """`send` returns when the broker has acknowledged. A row that was sent and not marked is sent again: the same fact, the same id."""

    def __init__(self, db: Pool, send: Send, changes: Hint, orders: Hint) -> None:
        self._db, self._send, self._changes, self._orders = db, send, changes, orders

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for hint, relay in ((self._changes, self.changes), (self._orders, self.orders)):
                group.create_task(hint.run())
                group.create_task(keep(hint, relay))

    async def changes(self) -> int:
        """In the order of their revisions, and so by one replica at a time. How many."""
        async with self._db.acquire() as db, db.transaction():
            await db.execute(PATIENT)
            if not await db.fetchval(MINE, locks.SINGLETONS, locks.REGISTRY_RELAY):
                return 0
            rows = await db.fetch(CHANGES, BATCH)
            await self._sent([changed(row) for row in rows])
            await db.execute(RELAYED, [row["revision"] for row in rows])
        return len(rows)

    async def orders(self) -> int:
        """Each by whoever comes first: orders stand for themselves."""
        async with self._db.acquire() as db, db.transaction():
            await db.execute(PATIENT)
            rows = await db.fetch(ORDERS, BATCH)
            await self._sent([requested(row) for row in rows])
            await db.execute(PUBLISHED, [row["id"] for row in rows])
        return len(rows)

    async def _sent(self, outs: Sequence[Out]) -> None:
        if outs:
            await self._send(outs)


async def keep(hint: Hint, relay: Callable[[], Awaitable[int]]) -> None:
    while True:
        try:
            while await relay():
                crash.at("relay.committed")
        except (*TRANSPORT, *AWAY, ValueError) as error:  # ValueError: a row that this version cannot read. It stays, and it is said
            log.error("not relayed", extra={"error": type(error).__name__})  # noqa: TRY400 - it comes again every second
        await hint.wait(AT_LEAST_EVERY)


def changed(row: Any) -> Out:
    fact = RegistryChanged(
        id=row["id"],
        at=row["at"],
        revision=row["revision"],
        actor=Actor.model_validate(row["actor"]),
        change=row["change"],
        entry_kind=row["entry_kind"],
        name=row["name"],
        entry=row["entry"],
    )
    return Out(registry_changed.TOPIC, fact, key=str(fact.id), event_id=str(fact.id))


def requested(row: Any) -> Out:
    actor, predicate = Actor.model_validate(row["actor"]), Predicate.model_validate(row["predicate"])
    fact = RevocationRequested(id=row["id"], at=row["at"], actor=actor, predicate=predicate, cause=row["cause"])
    return Out(revocation_requested.TOPIC, fact, key=str(fact.id), event_id=str(fact.id))
