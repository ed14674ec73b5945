"""Whether the consumers move. aiokafka can stall silently after a rebalance or a broker's restart, and shows no sign of it."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any


class Stalled(RuntimeError):
    """A loop that no longer turns, or a partition with records that nobody takes. The process should end and start again."""


class Watch:
    """`check()` again and again; the health page shows `healthy` and `ready`."""

    def __init__(self, patience: float = 30.0, every: float = 5.0) -> None:
        self._consumers: Callable[[], Sequence[Any]] = tuple
        self._expected, self._patience, self._every = 0, patience, every
        self._stuck: dict[Any, tuple[int, float]] = {}
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
            except Stalled:
                self.healthy = False
                raise

    async def check(self, now: float) -> None:
        consumers = self._consumers()
        self.ready = len(consumers) == self._expected and all(consumer.assignment() for consumer in consumers)
        lag = 0
        for consumer in consumers:
            if now - getattr(consumer, "turned_at", now) > self._patience:
                raise Stalled("a consumer's loop no longer turns")
            lag += await self._moves(consumer, now) if consumer.assignment() else 0
        self.lag = lag

    async def _moves(self, consumer: Any, now: float) -> int:
        async with asyncio.timeout(self._patience):
            ends = await consumer.end_offsets(consumer.assignment())  # asks the broker: highwater() is only as fresh as the last fetch
            at = {place: await consumer.position(place) for place in ends}
        for place, end in ends.items():
            if at[place] >= end:
                self._stuck.pop(place, None)
                continue
            position, since = self._stuck.get(place, (at[place], now))
            self._stuck[place] = (at[place], now if position != at[place] else since)
            if now - self._stuck[place][1] > self._patience:
                raise Stalled(f"{place.topic}/{place.partition} has records that nobody takes")
        return sum(end - at[place] for place, end in ends.items())
