"""What became of dead letters, each act a record of the audit log."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

from counterfoil.contracts.revocation_requested import Actor
from counterfoil_server.runtime.store import registry_rows
from counterfoil_server.runtime.store.changes import Note
from counterfoil_server.runtime.store.database import Connection, Pool

Act = Literal["redriven", "discarded"]
DONE = """INSERT INTO dead_letter (topic, partition, lies_at, act, reason, at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (topic, partition, lies_at) DO UPDATE SET act = excluded.act, reason = excluded.reason, at = excluded.at"""
KNOWN = "SELECT topic, partition, lies_at FROM dead_letter WHERE topic = ANY($1::text[])"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a dead letter lies: its topic without prefix and `.dlq`, and where in that topic's own grave."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError."""
        topic, _, rest = text.partition(":")
        partition, _, offset = rest.partition(":")
        if not (topic and rest.isascii() and partition.isdecimal() and offset.isdecimal()):
            raise ValueError("a dead letter is named as it is listed: topic:partition:offset")
        return cls(topic, int(partition), int(offset))


async def done(db: Connection, places: Collection[Place], act: Act, reason: str, actor: Actor, now: datetime) -> int:
    """Rows and records, in the caller's transaction; the registry's revision. Saying it twice is two records: a letter may be put back again."""
    notes = [Note(act, "dead_letter", str(place), {"reason": reason}) for place in sorted(places)]
    revision = await registry_rows.apply(db, notes, actor, now)
    await db.executemany(DONE, [(place.topic, place.partition, place.offset, act, reason, now) for place in places])
    return revision


async def known(db: Connection | Pool, topics: Collection[str]) -> frozenset[Place]:
    """Those that something was done about."""
    return frozenset(Place(row["topic"], row["partition"], row["lies_at"]) for row in await db.fetch(KNOWN, list(topics)))
