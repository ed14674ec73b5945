"""Orders to revoke: order row and fence or block in one transaction. The row is the outbox of revocation.requested."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from counterfoil.contracts.revocation_requested import Actor, Predicate
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.store import registry_rows
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.store.registry_rows import Block, Fence
from counterfoil_server.runtime.telemetry import phases
from services.gateway.ledger import MATCHING, values
from services.gateway.problems import Problem

NAMED = ("connector", "project", "environment", "issuer", "sub_hash")
ALIVE = ("minting", "active", "revoking", "stuck", "uncertain")
COUNT = f"SELECT count(*) FROM mint WHERE state = ANY($10::text[]) AND {MATCHING}"  # noqa: S608 - no input stands in it


@dataclass(frozen=True, slots=True)
class Accepted:
    """From here on nothing new is lent under the predicate, and the end of what is alive is ordered."""

    id: UUID
    at: datetime
    stop: Fence | Block | None
    live: int


class Orders:
    def __init__(self, db: Pool, now: Clock) -> None:
        self._db, self._now = db, now

    async def accept(self, predicate: Predicate, actor: Actor, cause: str) -> Accepted:
        """Returns when it is committed. `at` is read once the stop's locks are held: whatever was begun, was begun before."""
        order, now = uuid4(), self._now()
        stop = stopping(order, predicate, now)
        async with self._db.acquire() as db, db.transaction():
            if isinstance(stop, Fence) and not await db.fetchval("SELECT true FROM connector WHERE name = $1", stop.name):
                raise Problem("not_found", f"there is no connector {stop.name}")
            if stop is not None:
                await registry_rows.apply(db, [stop], actor, now)
            at = self._now()
            live = await db.fetchval(COUNT, *values(predicate), list(ALIVE))
            await db.execute(
                "INSERT INTO revocation_order (id, actor, predicate, cause, at, accepted) VALUES ($1, $2, $3, $4, $5, $6)",
                order, actor.model_dump(mode="json"), predicate.model_dump(mode="json", exclude_none=True), cause, at, {**shown(stop), "live": live},
            )  # fmt: skip
            await db.execute("SELECT pg_notify('revocation', '')")
        phases.reached("accepted", now)
        return Accepted(order, at, stop, live)

    async def matched(self, predicate: Predicate) -> int:
        """How many that are alive an order would concern."""
        found: int = await self._db.fetchval(COUNT, *values(predicate), list(ALIVE))
        return found


def stopping(order: UUID, predicate: Predicate, now: datetime) -> Fence | Block | None:
    """One connector and nothing else: a fence. Anything wider: a block, for what is in flight falls under the predicate too.

    One credential or one request needs neither, nor does what lies in the past.
    """
    if predicate.credential_id or predicate.request_hash or (predicate.until is not None and predicate.until <= now):
        return None
    members = {name: value for name in NAMED if (value := getattr(predicate, name)) is not None}
    if set(predicate.model_dump(exclude_none=True)) == {"connector"}:
        return Fence(members["connector"])
    return Block(order, members, predicate.until)


def shown(stop: Fence | Block | None) -> Mapping[str, Any]:
    if isinstance(stop, Fence):
        return {"fenced": stop.name}
    return {} if stop is None else {"blocked": str(stop.id)}
