"""One stage's recorded messages through today's code: where they are read, and beside what they are held. Everything is read, nothing written."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from counterfoil.cli.exits import say
from counterfoil.cli.progress import Progress
from counterfoil.contracts.base import Topic
from counterfoil.wire.kafka import Connection
from counterfoil.wire.signing import Checker, PublicKey
from counterfoil_server.replay.backtest_rules import Rules
from counterfoil_server.replay.history import History
from counterfoil_server.replay.source import Source, Window, leaves
from counterfoil_server.runtime.recorded import Message, Span, kept_since, side_by_side
from counterfoil_server.runtime.service import utc_now
from counterfoil_server.runtime.store import database
from services.ops.replay import stage_audit, stage_authorize, stage_grants, stage_leaves, stage_ledger
from services.ops.replay.database import Database
from services.ops.replay.export import Export
from services.ops.replay.stage_grants import Grants
from services.ops.replay.stage_leaves import Held
from services.ops.replay.stage_mint import Minting
from services.ops.replay.stage_tally import Tally

KEYS = "SELECT kid, role, public, not_before, not_after FROM service_key WHERE use = 'sign'"


@dataclass(frozen=True)
class Shadow:
    """`file`: an export, in whose leaves messages are looked for instead of the topics; for audit, instead of the database."""

    db: database.Connection
    kafka: Connection | None
    span: Span
    file: Path | None

    def source(self) -> Source:
        return Export(self.file) if self.file else Database(self.db)

    async def checker(self) -> Checker:
        rows = await self.db.fetch(KEYS)
        ends = {row["kid"]: row["not_after"].timestamp() if row["not_after"] else None for row in rows}
        keys = {row["kid"]: PublicKey(row["kid"], row["role"], row["public"], row["not_before"].timestamp(), ends[row["kid"]]) for row in rows}
        return Checker(keys.get)

    def window(self, until: datetime | None = None) -> Window:
        """An offset is a leaf's index here."""
        first, last = self.span.first, self.span.last
        last = last if isinstance(last, datetime) else None
        return Window(first if isinstance(first, int) else 0, first if isinstance(first, datetime) else None, until or last)

    async def messages(self, topics: Sequence[Topic], *, answered: bool) -> AsyncIterator[Message]:
        """`answered`: the last topic answers the others, so it is read from the same time on to its end."""
        if self.kafka is None:
            raise ValueError("the topics are read here")
        first = self.span.first
        spans = dict.fromkeys(topics, self.span)
        if answered:
            spans[topics[-1]] = Span(None if isinstance(first, int) else first, None)
        progress, count = Progress("messages"), 0
        try:
            async for one in side_by_side(self.kafka, spans):
                count += 1
                progress.at(count)
                yield one
        finally:
            progress.end()

    async def beyond(self, topic: Topic) -> datetime | None:
        """Up to when the leaves have to stand in, since the topic holds no more of it. The log's end where there are no topics to read."""
        first = self.span.first
        if self.kafka is None or not isinstance(first, datetime):
            return None
        kept = await kept_since(self.kafka, topic)
        if kept is not None and kept <= first:
            return None
        say(f"{topic.name} holds what was published from {kept:%FT%TZ} on: older is taken from the log" if kept else f"{topic.name} is empty")
        return kept or utc_now()

    async def held(self, topics: Sequence[Topic], until: datetime) -> dict[Topic, Held]:
        """By offsets none: they say nothing of times. An empty topic may have held something."""
        first, last = self.span.first, self.span.last
        if self.kafka is None or isinstance(first, int) or isinstance(last, int):
            return {}
        kept = {topic: await kept_since(self.kafka, topic) for topic in topics}
        until = min(until, last or until)
        return {topic: Held(max(since, first or since), until) for topic, since in kept.items() if since is not None}


async def authorize(shadow: Shadow) -> list[Tally]:
    history, found = await History.read(shadow.source()), []
    until = await shadow.beyond(stage_authorize.TOPICS[0])
    if shadow.kafka is None or until is not None:
        found.append(await stage_authorize.FromLeaves(Rules(history)).run(leaves(shadow.source(), shadow.window(until))))
    if shadow.kafka is not None:
        live = stage_authorize.Authorize(Rules(history), await shadow.checker(), utc_now)
        found.append(await live.run(shadow.messages(stage_authorize.TOPICS, answered=True)))
    return found


async def mint(shadow: Shadow) -> list[Tally]:
    history, found = await History.read(shadow.source()), []
    until = await shadow.beyond(stage_grants.TOPICS[0])
    ledger, checker = stage_ledger.InDatabase(shadow.db), await shadow.checker()
    if shadow.kafka is None or until is not None:
        again, window = Grants(Minting(history, utc_now), ledger, checker), shadow.window(until)
        found.append(await again.from_leaves(leaves(shadow.source(), window), cut=window.until is not None))
    if shadow.kafka is not None:
        live = Grants(Minting(history, utc_now), ledger, checker)
        found.append(await live.from_topics(shadow.messages(stage_grants.TOPICS, answered=True)))
    return found


async def audit(shadow: Shadow) -> list[Tally]:
    """What the topics hold is looked at behind what was read: what went meanwhile is missed by nobody."""
    known: stage_audit.Leaves = await stage_audit.InExport.read(Export(shadow.file)) if shadow.file else stage_audit.InDatabase(shadow.db)
    running, until = stage_audit.Audit(known, await shadow.checker(), utc_now), utc_now()
    tally = await running.run(shadow.messages(stage_audit.TOPICS, answered=False))
    held = await shadow.held(stage_audit.TOPICS, until)
    if held:
        since = min(one.since for one in held.values())
        found = await stage_leaves.compare(leaves(shadow.source(), Window(since=since)), held, running.facts, tally)
        say(f"{found} leaves of the time that the topics hold have their fact")
    return [tally]
