"""Batches of one consumer that are handled side by side: what is committed lies before the lowest record that is not finished."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from counterfoil.wire.kafka import KafkaError, TopicPartition

log = logging.getLogger("counterfoil.bus")
Onward = Callable[[], None]
BACKOFF, ALL, FEW = 0.5, 10_000, 8
"""Seconds before what broke is taken again; then in batches of half its size, but not under FEW, and twice as many after each that is done.
Whatever was too much for a machine without time would only be more the next time.
"""
PATIENCE = 5.0
"""Seconds that what is open may take when partitions are dealt out anew or the process ends: longer than any call to a provider."""


class Progress:
    """Offsets that were taken, in their order, and which of them are finished."""

    def __init__(self) -> None:
        self._taken: dict[Any, dict[int, bool]] = {}
        self.open = 0

    def take(self, records: Sequence[Any]) -> None:
        """In the order of each partition."""
        self.open += len(records)
        for one in records:
            self._taken.setdefault(TopicPartition(one.topic, one.partition), {})[one.offset] = False

    def finish(self, records: Sequence[Any]) -> dict[Any, int]:
        """What to commit now: for each partition whose lowest record is finished, the offset after the last of the finished ones that follow."""
        self.open -= len(records)
        places, found = set(), {}
        for one in records:
            places.add(place := TopicPartition(one.topic, one.partition))
            self._taken[place][one.offset] = True
        for place in places:
            taken = self._taken[place]
            while taken and taken[lowest := next(iter(taken))]:
                found[place] = lowest + 1
                del taken[lowest]
        return found

    def lowest(self) -> Mapping[Any, int]:
        """Where to begin again, by partition."""
        return {place: next(iter(taken)) for place, taken in self._taken.items() if taken}

    def forget(self) -> None:
        self.open = 0
        self._taken.clear()


class Window:
    """At most `most` records of a stage are open, one batch more. `failed`: what cut a batch off; all that is open is to be taken again.

    `retried` is told of that. `records`: how many a batch may have.
    """

    def __init__(self, most: int, retried: Callable[[], None] = lambda: None) -> None:
        self._most, self._retried, self._progress, self._tasks = most, retried, Progress(), set[asyncio.Task[None]]()
        self._committing, self._closed = asyncio.Lock(), False
        self.records = ALL
        self.failed: BaseException | None = None

    async def handle(self, consumer: Any, records: Sequence[Any], work: Callable[[Onward], Awaitable[None]]) -> None:
        """Returns when this batch is finished, has failed, or has called what it is given: then the next may come."""
        while self._tasks and (self._closed or self._progress.open >= self._most):
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        if self._closed:
            return  # never committed, so whoever has the partition next begins here
        self._progress.take(records)
        onward = asyncio.Event()
        task = asyncio.create_task(self._work(consumer, records, work(onward.set)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: onward.set())
        try:
            await onward.wait()
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def _work(self, consumer: Any, records: Sequence[Any], work: Awaitable[None]) -> None:
        try:
            await work
        except BaseException as error:  # noqa: BLE001 - a producer that is replaced cancels what waits for it; whoever polls next begins again
            self.failed = self.failed or error
            return
        self.records = min(ALL, 2 * self.records)
        async with self._committing:
            assigned = consumer.assignment()
            if places := {place: offset for place, offset in self._progress.finish(records).items() if place in assigned}:
                try:
                    await consumer.commit(places)
                except KafkaError as error:  # a later commit says it again, or another replica does
                    log.warning("not committed", extra={"error": type(error).__name__, "count": len(records)})

    async def mend(self, consumer: Any) -> None:
        """Before each poll: where a batch broke, everything that is open is cut off, and taken again from the lowest record that was not finished."""
        if self.failed is None:
            return
        log.warning("batches come again", extra={"error": type(self.failed).__name__, "count": self._progress.open}, exc_info=self.failed)
        self._retried()
        self.records = max(FEW, min(self.records, self._progress.open) // 2)
        await self._again(consumer)
        await asyncio.sleep(BACKOFF)

    async def _again(self, consumer: Any) -> None:
        await self._cut()
        for place, offset in self._progress.lowest().items():
            if place in consumer.assignment():
                consumer.seek(place, offset)
        self._progress.forget()

    async def drain(self, *, closing: bool = False) -> None:
        """Waits for what is open, for as long as a call may take, and no longer. After `closing` no batch begins."""
        self._closed = self._closed or closing
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=PATIENCE)
        await self._cut()
        self._progress.forget()

    async def _cut(self) -> None:
        open_now = set(self._tasks)
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)
        self.failed = None
