"""Whether the consumers move, and what lies before them. aiokafka can stall silently after a rebalance or a broker's restart: it shows no sign."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.wire.kafka import KafkaError


class Stalled(RuntimeError):
    """A loop that no longer turns, or a partition with records that nobody takes. The process should end and start again."""

    def __init__(self, message: str, group: str) -> None:
        super().__init__(message)
        self.group = group


@dataclass(frozen=True, slots=True)
class Lying:
    """Records that were not taken yet. `age`: how old the oldest of them can be, in seconds."""

    count: int = 0
    age: float = 0.0

    def and_(self, other: "Lying") -> "Lying":
        return Lying(self.count + other.count, max(self.age, other.age))


class Watch:
    """`check()` again and again; the health page shows `healthy` and `ready`.

    `role` names the group of a consumer that has none; `stalled` is told the group before the process ends.
    """

    def __init__(self, role: str = "", prefix: str = "", stalled: Callable[[str], None] = lambda _: None, patience: float = 30.0) -> None:
        self._consumers: Callable[[], Sequence[Any]] = tuple
        self._role, self._prefix, self._told = role, f"{prefix}.", stalled
        self._expected, self._patience, self._every = 0, patience, 5.0
        self._stuck: dict[Any, tuple[int, float]] = {}
        self._older: dict[Any, float] = {}
        self.backlog: Mapping[tuple[str, str], Lying] = {}
        """By group and topic."""
        self.healthy = True
        self.ready = False
        self.lag = 0

    def over(self, consumers: Callable[[], Sequence[Any]], expected: int) -> None:
        """Before this nothing is ready: the process still opens what it needs, or stands by."""
        self._consumers, self._expected, self.ready = consumers, expected, expected == 0

    async def run(self) -> None:
        """Raises Stalled."""
        while True:
            await asyncio.sleep(self._every if self.ready else 0.2)
            try:
                await self.check(time.monotonic())
            except Stalled as error:
                self.healthy = False
                self._told(error.group)
                raise

    async def check(self, now: float) -> None:
        consumers = self._consumers()
        self.ready = len(consumers) == self._expected and all(consumer.assignment() for consumer in consumers)
        found: dict[tuple[str, str], Lying] = {}
        for consumer in consumers:
            group = getattr(consumer, "stage", self._role)
            if now - getattr(consumer, "turned_at", now) > self._patience:
                raise Stalled("a consumer's loop no longer turns", group)
            for place, lying in (await self._moves(consumer, group, now) if consumer.assignment() else {}).items():
                at = group, place.topic.removeprefix(self._prefix)
                found[at] = found.get(at, Lying()).and_(lying)
        self.backlog, self.lag = found, sum(lying.count for lying in found.values())

    async def _moves(self, consumer: Any, group: str, now: float) -> Mapping[Any, Lying]:
        async with asyncio.timeout(self._patience):
            ends = await consumer.end_offsets(consumer.assignment())  # asks the broker: highwater() is only as fresh as the last fetch
            try:
                at = {place: await consumer.position(place) for place in ends}
            except KafkaError:  # meanwhile a replica has come or gone, and the partitions were dealt anew: the next look is at those
                return {}
        for place, end in ends.items():
            if at[place] >= end:
                self._stuck.pop(place, None)
                self._older[place] = now
                continue
            position, since = self._stuck.get(place, (at[place], now))
            self._stuck[place] = (at[place], now if position != at[place] else since)
            if now - self._stuck[place][1] > self._patience:
                raise Stalled(f"{place.topic}/{place.partition} has records that nobody takes", group)
        return {place: Lying(end - at[place], self._age(consumer, place, now)) if at[place] < end else Lying() for place, end in ends.items()}

    def _age(self, consumer: Any, place: Any, now: float) -> float:
        """What lies there came after the last one that was taken, and after nothing lay there; before the first look nobody knows."""
        taken: float = getattr(consumer, "taken", {}).get(place, 0.0)
        return max(0.0, now - max(self._older.setdefault(place, now), taken))
