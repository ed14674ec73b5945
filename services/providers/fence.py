"""What stands in a credential's way, read by statements of their own after the locks are held: connectors' states, blocks, audit's heartbeat."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil_server.runtime.store import locks
from counterfoil_server.runtime.store.database import Connection, Pool

Row = Mapping[str, Any]
MEMBERS = ("connector", "project", "environment", "issuer", "sub_hash")

STANDING = """
    SELECT clock_timestamp() AS clock, heart.at, heart.caught_up_to,
        (SELECT jsonb_agg(c) FROM (SELECT name, state, epoch, revision FROM connector WHERE name = ANY($1::text[])) c) AS connectors,
        (SELECT jsonb_agg(b) FROM (
            SELECT connector, project, environment, issuer, sub_hash, extract(epoch FROM least(lifted_at, until)) AS ends FROM block
            WHERE (lifted_at IS NULL OR lifted_at > clock_timestamp() - interval '1 minute')
                AND (until IS NULL OR until > clock_timestamp() - interval '1 minute')) b) AS blocks
    FROM (SELECT true) one LEFT JOIN heartbeat heart ON heart.role = 'audit'
"""


@dataclass(frozen=True)
class Read:
    connectors: Mapping[str, Row]
    blocks: Sequence[Row]
    clock: datetime
    audit_at: datetime | None
    audit_caught_up: datetime | None

    def blocked(self, grant: GrantApproved, begun: datetime | None = None) -> bool:
        """By a block that stands, or has stood since `begun`: what it caught falls, however soon it was lifted. An open member matches everything."""
        since = (begun or self.clock).timestamp()
        standing = [block for block in self.blocks if block["ends"] is None or block["ends"] > since]
        return any(all(block[name] is None or block[name] == getattr(grant, name) for name in MEMBERS) for block in standing)

    def holds(self, grant: GrantApproved, epoch: int, begun: datetime) -> bool:
        row = self.connectors.get(grant.connector)
        return row is not None and row["state"] == "active" and row["epoch"] == epoch and not self.blocked(grant, begun)


class Fence:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._ids: dict[str, int] = {}

    async def ids(self, names: Iterable[str]) -> list[int]:
        """Advisory locks by connector. An id never changes, so it may be kept."""
        wanted = set(names)
        if missing := wanted - self._ids.keys():
            self._ids |= {
                row["name"]: row["id"] for row in await self._pool.fetch("SELECT id, name FROM connector WHERE name = ANY($1)", list(missing))
            }
        return [self._ids[name] for name in wanted if name in self._ids]

    @asynccontextmanager
    async def hold(self, db: Connection, names: Iterable[str]) -> AsyncIterator[Read]:
        """A transaction under the locks, shared until its end. What they guard is read by a statement of its own, once they are held."""
        wanted = list(set(names))
        async with locks.sharing(db, await self.ids(wanted)):
            row = await db.fetchrow(STANDING, wanted)
            connectors = {one["name"]: one for one in row["connectors"] or ()}
            yield Read(connectors, row["blocks"] or (), row["clock"], row["at"], row["caught_up_to"])
