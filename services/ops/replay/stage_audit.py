"""Facts of the topics through today's leaf-making, beside the leaves of the log: nothing missing, nothing different."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from counterfoil.wire.envelope import SIGNATURE, Unreadable
from counterfoil.wire.merkle import leaf_hash
from counterfoil.wire.signing import BadSignature, Checker
from counterfoil_server.replay.source import members
from counterfoil_server.runtime.recorded import Message
from counterfoil_server.runtime.stage import DeadLetter
from counterfoil_server.runtime.store.database import Connection
from services.audit.handlers import READS
from services.audit.leaves import NONE_BEFORE, Entry, entry, leaf
from services.ops.replay.export import Export
from services.ops.replay.stage_tally import Tally

TOPICS = READS
ON_ITS_WAY = "no leaf yet, and it was published only now"
PATIENCE = timedelta(seconds=30)
PART = 500
BY_FACT = """SELECT l.fact_hash, l.idx, l.bytes, before.leaf_hash AS before
    FROM audit_leaf AS l LEFT JOIN audit_leaf AS before ON before.idx = l.idx - 1 WHERE l.fact_id = ANY($1::uuid[])"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """`before`: the hash of the leaf before it; None where that is not in what was read."""

    index: int
    text: bytes
    before: bytes | None


Known = Mapping[bytes, Leaf]
"""Leaves by the hash of their fact."""


class Leaves(Protocol):
    async def of(self, ids: Sequence[UUID]) -> Known: ...


class InDatabase:
    def __init__(self, db: Connection) -> None:
        self._db = db

    async def of(self, ids: Sequence[UUID]) -> Known:
        rows = await self._db.fetch(BY_FACT, list(ids))
        return {row["fact_hash"]: Leaf(row["idx"], row["bytes"], row["before"] or (NONE_BEFORE if row["idx"] == 0 else None)) for row in rows}


class InExport:
    """Kept by their facts' hashes, and not read again for every part."""

    def __init__(self, known: Known) -> None:
        self._known = known

    @classmethod
    async def read(cls, export: Export) -> "InExport":
        known: dict[bytes, Leaf] = {}
        before = NONE_BEFORE if export.first == 0 else None
        async for part in export.parts():
            for index, text in part:
                known[bytes.fromhex(members(index, text)["fact_sha256"])] = Leaf(index, text, before)
                before = leaf_hash(text)
        return cls(known)

    async def of(self, ids: Sequence[UUID]) -> Known:  # noqa: ARG002 - all of them are here
        return self._known


class Audit:
    """`facts`: the hashes of all that it read, some hundred bytes each."""

    def __init__(self, leaves: Leaves, checker: Checker, now: Callable[[], datetime]) -> None:
        self._leaves, self._checker, self._now = leaves, checker, now
        self.tally = Tally("audit")
        self.facts: set[bytes] = set()

    async def run(self, messages: AsyncIterator[Message]) -> Tally:
        part: list[tuple[Message, Entry]] = []
        async for one in messages:
            if made := self._made(one):
                part.append((one, made))
            if len(part) >= PART:
                await self._compare(part)
                part = []
        await self._compare(part)
        return self.tally

    def _made(self, one: Message) -> Entry | None:
        try:
            self._checker.check(str(one.topic), one.value, one.headers.get(SIGNATURE), one.topic.written_by, one.at_ms / 1000)
            return entry(one.received())
        except (BadSignature, Unreadable, DeadLetter) as error:
            self.tally.aside(f"{one.topic.name}: {error.code}, so a dead letter")
            return None

    async def _compare(self, part: Sequence[tuple[Message, Entry]]) -> None:
        known = await self._leaves.of([made.fact_id for _, made in part])
        self.facts.update(made.fact_hash for _, made in part)
        for one, made in part:
            self._one(one, made, known.get(made.fact_hash))

    def _one(self, one: Message, made: Entry, found: Leaf | None) -> None:
        fact = made.cause.fact
        about = (one.place, fact.kind, named(fact))
        if found is None:
            if self._now() - one.at < PATIENCE:
                self.tally.aside(ON_ITS_WAY)
            else:
                self.tally.differs(*about, "the log has no leaf of it")
            return
        recorded = members(found.index, found.text)
        before = bytes.fromhex(recorded["prev"]) if found.before is None else found.before
        again = leaf(made, found.index, before, recorded["time"])
        if again == found.text:
            self.tally.same(fact.kind)
        else:
            self.tally.differs(*about, f"leaf {found.index} is not what today's code makes of it", recorded, json.loads(again))


def named(fact: Any) -> str:
    asked = getattr(fact, "asked", None)
    return str(asked.request_id if asked else "-")
