"""Orders to revoke: order row and fence or block in one transaction. The row is the outbox of revocation.requested."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from counterfoil.contracts.revocation_requested import Actor, Predicate
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.store import locks, registry_rows
from counterfoil_server.runtime.store.database import Connection, Pool
from counterfoil_server.runtime.store.registry_rows import Block, Fence
from counterfoil_server.runtime.telemetry import phases
from services.gateway.ledger import MATCHING, values
from services.gateway.problems import Problem

NAMED = ("connector", "project", "environment", "issuer", "sub_hash")
ALIVE = ("minting", "active", "revoking", "stuck", "uncertain")
GROUPS = f"""SELECT connector, project, environment, class, count(*) AS live, max(expires_at) AS latest FROM mint
    WHERE state = ANY($10::text[]) AND {MATCHING} GROUP BY 1, 2, 3, 4 ORDER BY live DESC, 1, 2, 3, 4 LIMIT 100"""  # noqa: S608 - no input stands in it
COUNT = f"SELECT count(*) FROM mint WHERE state = ANY($10::text[]) AND {MATCHING}"  # noqa: S608 - no input stands in it


@dataclass(frozen=True, slots=True)
class Accepted:
    """From here on nothing new is lent under the predicate, and the end of what is alive is ordered."""

    id: UUID
    at: datetime
    said: Mapping[str, Any]

    @property
    def live(self) -> int:
        """How many were alive then."""
        return int(self.said["live"])


class Orders:
    def __init__(self, db: Pool, now: Clock) -> None:
        self._db, self._now = db, now

    async def accept(self, predicate: Predicate, actor: Actor, cause: str, order: UUID | None = None) -> Accepted:
        """Returns when it is committed. `at` is read once the stop's locks are held: whatever was begun, was begun before.

        `order`: its id, where whoever asks has chosen one. Asked again it is the same order, not a second.
        """
        chosen, order, now = order is not None, order or uuid4(), self._now()
        stop = stopping(order, predicate, now)
        async with self._db.acquire() as db, db.transaction():
            if stop is not None:
                await locks.registry(db)
            if chosen and (found := await given_before(db, order, predicate, actor)):
                return found
            if isinstance(stop, Fence) and not await db.fetchval("SELECT true FROM connector WHERE name = $1", stop.name):
                raise Problem("not_found", f"there is no connector {stop.name}")
            if stop is not None:
                await registry_rows.apply(db, [stop], actor, now)
            at = self._now()
            said = {**shown(stop), "live": await db.fetchval(COUNT, *values(predicate), list(ALIVE))}
            written = await db.fetchval(
                "INSERT INTO revocation_order (id, actor, predicate, cause, at, accepted) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING "
                "RETURNING true",
                order, actor.model_dump(mode="json"), predicate.model_dump(mode="json", exclude_none=True), cause, at, said,
            )  # fmt: skip
            if not written:
                raise Problem("conflict", "this very order is being given by somebody else", fix="ask again: it is answered with what came of it")
            await db.execute("SELECT pg_notify('revocation', '')")
        phases.reached("accepted", now)
        return Accepted(order, at, said)

    async def matched(self, predicate: Predicate) -> tuple[int, list[dict[str, Any]]]:
        """How many that are alive an order would concern; and whose, the most first."""
        found: int = await self._db.fetchval(COUNT, *values(predicate), list(ALIVE))
        rows = await self._db.fetch(GROUPS, *values(predicate), list(ALIVE))
        return found, [{**dict(row), "latest": row["latest"].isoformat()} for row in rows]


async def given_before(db: Connection, order: UUID, predicate: Predicate, actor: Actor) -> Accepted | None:
    row = await db.fetchrow("SELECT actor, predicate, at, accepted FROM revocation_order WHERE id = $1", order)
    if row is None:
        return None
    if (row["actor"], row["predicate"]) != (actor.model_dump(mode="json"), predicate.model_dump(mode="json", exclude_none=True)):
        raise Problem("conflict", "there is another order of that id", fix="choose another id: each order has its own")
    return Accepted(order, row["at"], row["accepted"])


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
