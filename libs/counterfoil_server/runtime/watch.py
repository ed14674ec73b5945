"""Whether the consumers move, and what lies before them. aiokafka can stall silently after a rebalance or a broker's restart: it shows no sign."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.wire.kafka import KafkaError

log = logging.getLogger("counterfoil.watch")
LONGEST_SILENCE = 600.0
"""Seconds for which Kafka may be away. A new process would not have it answer either, and whoever starts them waits longer each time."""


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
        self._silent: float | None = None
        self._heard = float("-inf")
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
                try:
                    await self.check(time.monotonic())
                except (KafkaError, TimeoutError) as error:
                    self._unheard(time.monotonic(), error)
            except Stalled as error:
                self.healthy = False
                self._told(error.group)
                raise

    def _unheard(self, now: float, error: Exception) -> None:
        """Kafka did not say what lies there. Until it is back nothing is ready; and who waited for it has not stalled."""
        if self._silent is None:
            self._silent = now
            log.warning("Kafka does not answer", extra={"error": type(error).__name__})
        self.ready = False
        self._stuck.clear()
        if now - self._silent > LONGEST_SILENCE:
            raise Stalled("Kafka does not answer this process", self._role)

    async def check(self, now: float) -> None:
        consumers = self._consumers()
        self.ready = len(consumers) == self._expected and all(consumer.assignment() for consumer in consumers)
        found: dict[tuple[str, str], Lying] = {}
        for consumer in consumers:
            group = getattr(consumer, "stage", self._role)
            for place, lying in (await self._moves(consumer, group, now) if consumer.assignment() else {}).items():
                at = group, place.topic.removeprefix(self._prefix)
                found[at] = found.get(at, Lying()).and_(lying)
        self.backlog, self.lag = found, sum(lying.count for lying in found.values())
        self._turning(consumers, now)

    def _turning(self, consumers: Sequence[Any], now: float) -> None:
        """Once Kafka has answered: a loop that waits for Kafka turns again when it has what it waits for."""
        if self._silent is not None:
            self._silent, self._heard = None, now
        for consumer in consumers:
            if now - max(getattr(consumer, "turned_at", now), self._heard) > self._patience:
                raise Stalled("a consumer's loop no longer turns", getattr(consumer, "stage", self._role))

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
