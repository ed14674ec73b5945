"""What can be changed of the registry, and what each change writes. Only `registry_rows` calls `write`, under the locks."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal

from counterfoil.contracts.base import JsonObject
from counterfoil_server.runtime.snapshot import Entry, dumped
from counterfoil_server.runtime.store.database import Connection
from counterfoil_server.runtime.store.fences import Block, Fence, Unblock, Unfence


@dataclass(frozen=True, slots=True)
class Put:
    """A new entry, or another one under its name."""

    entry: Entry
    change: ClassVar[str] = "put"

    @property
    def kind(self) -> str:
        return self.entry.kind

    @property
    def name(self) -> str:
        return self.entry.name

    def shown(self) -> JsonObject:
        return dumped(self.entry)

    async def write(self, db: Connection, revision: int, _now: datetime) -> bool:
        was_there = await db.fetchval("SELECT true FROM registry_entry WHERE kind = $1 AND name = $2", self.kind, self.name)
        await db.execute(
            "INSERT INTO registry_entry (kind, name, entry, revision) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (kind, name) DO UPDATE SET entry = excluded.entry, revision = excluded.revision",
            self.kind, self.name, self.shown(), revision,
        )  # fmt: skip
        if self.kind == "connector":
            await db.execute(CONNECTOR_BACK if not was_there else CONNECTOR_MOVED, self.name, revision)
        return True


# A connector that was removed and is put again lends again, and what was lent before stays of an older epoch. One that is fenced stays fenced.
CONNECTOR_BACK = """INSERT INTO connector (name, revision) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, state = 'active', epoch = connector.epoch + 1"""
CONNECTOR_MOVED = "UPDATE connector SET revision = $2 WHERE name = $1"


@dataclass(frozen=True, slots=True)
class Remove:
    """A removed connector is fenced, and its row stays: what it lent may be alive."""

    kind: str
    name: str
    change: ClassVar[str] = "removed"

    def shown(self) -> None:
        return None

    async def write(self, db: Connection, revision: int, _now: datetime) -> bool:
        await db.execute("DELETE FROM registry_entry WHERE kind = $1 AND name = $2", self.kind, self.name)
        if self.kind == "connector":
            await db.execute("UPDATE connector SET state = 'fenced', epoch = epoch + 1, revision = $2 WHERE name = $1", self.name, revision)
        return True


@dataclass(frozen=True, slots=True)
class Note:
    """A change whose rows the caller writes in the same transaction: a root secret, a key, a subject's text. `entry` says what may be seen of it."""

    change: Literal["secret_set", "key_added", "key_retired", "subject_erased", "redriven", "discarded", "grant_ended"]
    kind: str
    name: str
    entry: JsonObject = field(default_factory=dict)

    def shown(self) -> JsonObject:
        return self.entry

    async def write(self, _db: Connection, _revision: int, _now: datetime) -> bool:
        return True


Change = Put | Remove | Fence | Unfence | Block | Unblock | Note
