"""What a process tells of itself: what lies before its stages, what it waits for, what it takes up. Found out in its own loop, then shown."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from opentelemetry.metrics import Meter

from counterfoil.wire.kafka import Publisher
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.instruments import Gauge, histogram
from counterfoil_server.runtime.telemetry.looking import looking

EVERY, GRAVES_EVERY, PATIENCE = 1.0, 5.0, 5.0
"""Seconds between two looks, between two at the dead letters, and that one at the pool may take."""
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Lying(Protocol):
    """Records that lie before a stage: how many, and how old the oldest can be, in seconds."""

    @property
    def count(self) -> int: ...
    @property
    def age(self) -> float: ...


@dataclass(frozen=True)
class Sources:
    """`backlog` by group and topic; `graves`: dead letters by topic; `publishers`: all that the process sends by."""

    db: Pool
    publishers: Sequence[Publisher]
    backlog: Callable[[], Mapping[tuple[str, str], Lying]]
    graves: Callable[[], Awaitable[Mapping[str, int]]]


class Process:
    def __init__(self, meter: Meter, sources: Sources) -> None:
        self._sources = sources
        self._lag, self._lag_age, self._graves = Gauge(meter, names.LAG), Gauge(meter, names.LAG_AGE), Gauge(meter, names.DLQ_DEPTH)
        self._late, self._memory, self._buffer = Gauge(meter, names.LOOP_LAG), Gauge(meter, names.MEMORY), Gauge(meter, names.PRODUCER_BUFFER)
        self._waited = histogram(meter, names.POOL_WAIT)
        self._latest: list[float] = []

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(looking("process", self.ring, 0))
            group.create_task(looking("pool", self.probe, EVERY))
            group.create_task(looking("dead letters", self.dig, GRAVES_EVERY))

    async def ring(self) -> None:
        rings = time.monotonic() + EVERY
        await asyncio.sleep(EVERY)
        self.look(time.monotonic() - rings)

    async def dig(self) -> None:
        self._graves.show(*((depth, {names.BY_TOPIC: topic}) for topic, depth in (await self._sources.graves()).items()))

    def look(self, late: float) -> None:
        """At what costs nothing to see. The latest of the last ten rings: as many as an export lies apart."""
        self._latest = [*self._latest, max(0.0, late)][-10:]
        self._late.show((max(self._latest), {}))
        self._memory.show((resident(), {}))
        self._buffer.show((sum(one.waiting() for one in self._sources.publishers), {}))
        backlog = self._sources.backlog()
        labels = {at: {names.BY_GROUP: at[0], names.BY_TOPIC: at[1]} for at in backlog}
        self._lag.show(*((lying.count, labels[at]) for at, lying in backlog.items()))
        self._lag_age.show(*((lying.age, labels[at]) for at, lying in backlog.items()))

    async def probe(self) -> None:
        started = time.perf_counter()
        async with self._sources.db.acquire(timeout=PATIENCE):
            self._waited.record(time.perf_counter() - started)


def resident() -> int:
    """Bytes: the second number of /proc/self/statm counts pages."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
