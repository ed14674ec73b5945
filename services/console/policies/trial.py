"""The back-test: the newest recorded decisions made again with a candidate policy over the registry that held at each time.

It reads with the console's own role, a part at a time, and decides in a thread, so that pages go on meanwhile.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from counterfoil.contracts.registry import Policy
from counterfoil.contracts.registry_changed import RegistryChanged
from counterfoil_server.replay.backtest_kept import Decider
from counterfoil_server.replay.backtest_report import Report
from counterfoil_server.replay.backtest_run import Paired, take
from counterfoil_server.replay.history import Change, History, NoHistory
from counterfoil_server.replay.source import BadSource, Text, members
from counterfoil_server.runtime.snapshot import Snapshot
from counterfoil_server.runtime.store.database import Pool
from services.console.gateway import Refused

MOST, BACK, SECONDS, PART, EXAMPLES = 10_000, timedelta(days=30), 8.0, 512, 3
PAGE = "SELECT idx, bytes FROM audit_leaf WHERE idx >= $1 AND idx < $2 ORDER BY idx"
SIZE = "SELECT coalesce(max(idx) + 1, 0) FROM audit_leaf"
CHANGES = "SELECT revision, id, at, actor, change, entry_kind, name, entry FROM registry_change ORDER BY revision"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is put, or the name of what is taken away."""

    put: Policy | None
    removed: str | None = None

    def over(self, snapshot: Snapshot) -> Snapshot:
        gone = self.removed or (self.put.name if self.put else None)
        kept = [one for one in snapshot.entries if not (one.kind == "policy" and one.name == gone)]
        return Snapshot.of(snapshot.revision, [*kept, *([self.put] if self.put else [])])


@dataclass(frozen=True, slots=True)
class Tried:
    """`oldest`: when the oldest of what was read was recorded. `ended`: why it went no further back."""

    report: Report
    leaves: int
    oldest: datetime | None
    ended: str

    @property
    def counts(self) -> dict[str, int]:
        return {str(name): count for name, count in self.report.counts().items()}

    @property
    def same(self) -> int:
        return self.report.decisions - sum(self.counts.values())

    @property
    def summary(self) -> str:
        counts = self.counts
        widened = f", widen {counts['widened']:,}" if counts["widened"] else ""
        told = f"would newly deny {counts['denied']:,}, newly allow {counts['allowed']:,}, narrow {counts['narrowed']:,}{widened}"
        return f"{told}, {self.same:,} the same"


class Trials:
    """One at a time: each takes a core for some seconds."""

    def __init__(self, db: Pool, most: int = MOST, seconds: float = SECONDS) -> None:
        self._db, self._most, self._seconds, self._busy = db, most, seconds, asyncio.Lock()

    async def of(self, candidate: Candidate, now: datetime) -> Tried:
        """Raises Refused."""
        if self._busy.locked():
            raise Refused(429, {"code": "busy", "message": "another back-test is running", "fix": "it takes ten seconds at most: try again then"})
        async with self._busy:
            try:
                return await self._tried(candidate, now)
            except (NoHistory, BadSource) as error:
                fix = "`counterfoil replay backtest` at the command line reads an export of the whole log, too"
                raise Refused(409, {"code": "no_history", "message": f"it cannot be tried: {error}", "fix": fix}) from None

    async def _tried(self, candidate: Candidate, now: datetime) -> Tried:
        began, at = time.monotonic(), int(await self._db.fetchval(SIZE))
        size, oldest, ended = at, None, "that is the whole log"
        decider = await asyncio.to_thread(decider_of, await self._db.fetch(CHANGES), candidate)
        report, pairs = Report(EXAMPLES), Paired()
        while at > 0:
            first = max(0, at - PART)
            part = [(row["idx"], row["bytes"]) for row in await self._db.fetch(PAGE, first, at)]
            at = first
            oldest = await asyncio.to_thread(weighed, report, pairs, decider, part, now - BACK) or oldest
            if stop := self._enough(report, oldest, now, began):
                ended = stop if at else ended
                break
        report.unpaired = len(pairs.unanswered()) + len(pairs.unasked())
        return Tried(report, size - at, oldest, ended)

    def _enough(self, report: Report, oldest: datetime | None, now: datetime, began: float) -> str | None:
        if report.decisions + report.aside.total() >= self._most:
            return f"it ends after {self._most:,} decisions"
        if oldest is not None and oldest < now - BACK:
            return f"it goes no further back than {BACK.days} days"
        return f"it ends after {self._seconds:.0f} seconds" if time.monotonic() - began > self._seconds else None


def decider_of(rows: Sequence[Any], candidate: Candidate) -> Decider:
    return Decider(History(Change(row["revision"], RegistryChanged.model_validate(dict(row))) for row in rows), candidate)


def weighed(report: Report, pairs: Paired, decider: Decider, part: Sequence[Text], since: datetime) -> datetime | None:
    """When the oldest leaf of the part was recorded. What is older than `since` does not count."""
    oldest = None
    for index, text in part:
        leaf = members(index, text)
        at = datetime.fromisoformat(leaf["time"])
        oldest = min(at, oldest or at)
        if at >= since:
            take(report, pairs, decider, index, leaf["fact"])
    return oldest
