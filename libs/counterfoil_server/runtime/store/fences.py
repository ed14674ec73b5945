"""Stopping and starting again: connectors by a fence, wider predicates by a block."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from counterfoil.contracts.base import JsonObject
from counterfoil_server.runtime.store.database import Connection


@dataclass(frozen=True, slots=True)
class Fence:
    """Stops a connector. To say it again changes nothing."""

    name: str
    change: ClassVar[str] = "fenced"
    kind: ClassVar[str] = "connector"

    def shown(self) -> None:
        return None

    async def write(self, db: Connection, _revision: int, _now: datetime) -> bool:
        return done(await db.execute("UPDATE connector SET state = 'fenced', epoch = epoch + 1 WHERE name = $1 AND state = 'active'", self.name))


@dataclass(frozen=True, slots=True)
class Unfence:
    """Only of a connector that is registered."""

    name: str
    change: ClassVar[str] = "unfenced"
    kind: ClassVar[str] = "connector"

    def shown(self) -> None:
        return None

    async def write(self, db: Connection, _revision: int, _now: datetime) -> bool:
        return done(await db.execute(
            "UPDATE connector SET state = 'active' WHERE name = $1 AND state <> 'active' "
            "AND EXISTS (SELECT FROM registry_entry WHERE kind = 'connector' AND registry_entry.name = $1)", self.name,
        ))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """Stops whatever the members name together: connector, project, environment, issuer, sub_hash. None of them: everything."""

    id: UUID
    members: Mapping[str, str]
    until: datetime | None = None
    change: ClassVar[str] = "blocked"
    kind: ClassVar[str] = "block"

    @property
    def name(self) -> str:
        return str(self.id)

    def shown(self) -> JsonObject:
        return {**self.members, **({"until": self.until.isoformat()} if self.until else {})}

    async def write(self, db: Connection, _revision: int, now: datetime) -> bool:
        found = [self.members.get(name) for name in ("connector", "project", "environment", "issuer", "sub_hash")]
        return done(await db.execute(
            "INSERT INTO block (id, connector, project, environment, issuer, sub_hash, since, until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
            "ON CONFLICT (id) DO NOTHING", self.id, *found, now, self.until,
        ))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unblock:
    id: UUID
    change: ClassVar[str] = "unblocked"
    kind: ClassVar[str] = "block"

    @property
    def name(self) -> str:
        return str(self.id)

    def shown(self) -> None:
        return None

    async def write(self, db: Connection, _revision: int, now: datetime) -> bool:
        return done(await db.execute("UPDATE block SET lifted_at = $2 WHERE id = $1 AND lifted_at IS NULL", self.id, now))


def done(status: str) -> bool:
    """PostgreSQL's command tag ends in the number of rows."""
    return not status.endswith(" 0")
