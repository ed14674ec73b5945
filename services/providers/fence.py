"""What stands in a credential's way, read by statements of their own after the locks are held: connectors' states, blocks, audit's heartbeat."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil_server.runtime.store import locks
from counterfoil_server.runtime.store.database import Connection, Pool

Row = Mapping[str, Any]
MEMBERS = ("connector", "project", "environment", "issuer", "sub_hash")


@dataclass(frozen=True)
class Read:
    connectors: Mapping[str, Row]
    blocks: Sequence[Row]

    def blocked(self, grant: GrantApproved) -> bool:
        """A member that a block leaves open matches everything."""
        return any(all(block[name] is None or block[name] == getattr(grant, name) for name in MEMBERS) for block in self.blocks)

    def holds(self, grant: GrantApproved, epoch: int) -> bool:
        row = self.connectors.get(grant.connector)
        return row is not None and row["state"] == "active" and row["epoch"] == epoch and not self.blocked(grant)


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

    async def hold(self, db: Connection, names: Iterable[str], ids: Sequence[int]) -> Read:
        """Inside a transaction: shared until its end."""
        await locks.share(db, ids)
        connectors = await db.fetch("SELECT name, state, epoch, revision FROM connector WHERE name = ANY($1)", list(set(names)))
        blocks = await db.fetch(
            "SELECT connector, project, environment, issuer, sub_hash FROM block "
            "WHERE lifted_at IS NULL AND (until IS NULL OR until > clock_timestamp())"
        )
        return Read({row["name"]: row for row in connectors}, blocks)
