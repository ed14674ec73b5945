"""Batches side by side: what is committed lies before the lowest record that is not finished, and what breaks is taken again from there."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.wire.kafka import KafkaError, TopicPartition
from counterfoil_server.runtime import window as window_of
from counterfoil_server.runtime.window import Onward, Progress, Window


@dataclass(frozen=True)
class Read:
    offset: int
    partition: int = 0
    topic: str = "t"


@dataclass
class Consumer:
    """What a window asks of one, written down."""

    partitions: int = 2
    committed: dict[Any, int] = field(default_factory=dict)
    sought: dict[Any, int] = field(default_factory=dict)
    broken: bool = False

    def assignment(self) -> set[Any]:
        return {TopicPartition("t", number) for number in range(self.partitions)}

    async def commit(self, places: Mapping[Any, int]) -> None:
        if self.broken:
            raise KafkaError
        assert all(offset > self.committed.get(place, 0) for place, offset in places.items())
        self.committed |= places

    def seek(self, place: Any, offset: int) -> None:
        self.sought[place] = offset

    @property
    def at(self) -> list[int]:
        return [self.committed.get(TopicPartition("t", number), 0) for number in range(self.partitions)]


class Slow:
    """A batch that lets the next one come, and is finished when it is told."""

    def __init__(self) -> None:
        self.told, self.cut, self.begun = asyncio.Event(), False, False
        self.fault: BaseException | None = None

    async def __call__(self, onward: Onward) -> None:
        self.begun = True
        onward()
        try:
            await self.told.wait()
        except asyncio.CancelledError:
            self.cut = True
            raise
        if self.fault:
            raise self.fault

    async def end(self, fault: BaseException | None = None) -> None:
        self.fault = fault
        self.told.set()
        await soon()


@pytest.fixture(autouse=True)
def at_once_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_of, "BACKOFF", 0)


async def soon() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


async def at_once(_: Onward) -> None: ...


def read(first: int, last: int, partition: int = 0) -> list[Read]:
    return [Read(offset, partition) for offset in range(first, last + 1)]


@given(st.data(), st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=1, max_size=8))
def test_a_commit_never_passes_what_is_not_finished_and_in_the_end_passes_all(data: st.DataObject, dealt: list[list[int]]):
    progress, after = Progress(), {0: 0, 1: 0, 2: 0}
    batches: list[list[Read]] = []
    for partitions in dealt:
        batch = []
        for partition in sorted(partitions):
            batch.append(Read(after[partition], partition))
            after[partition] += 1 + data.draw(st.integers(0, 2))  # offsets have holes where a log was compacted or a transaction ended
        batches.append(batch)
        progress.take(batch)
    finished: set[Read] = set()
    committed = dict.fromkeys(after, 0)
    for batch in data.draw(st.permutations(batches)):
        finished.update(batch)
        for place, offset in progress.finish(batch).items():
            assert offset > committed[place.partition]
            committed[place.partition] = offset
        left = [one for every in batches for one in every if one not in finished]
        assert progress.open == len(left)
        assert all(one.offset >= committed[one.partition] for one in left)
        assert {place.partition: offset for place, offset in progress.lowest().items()} == {
            number: min(one.offset for one in left if one.partition == number) for number in {one.partition for one in left}
        }
    last = {one.partition: one.offset + 1 for every in batches for one in every}
    assert {number: offset for number, offset in committed.items() if offset} == last


async def test_without_a_window_the_next_batch_waits():
    consumer, window, first, second = Consumer(), Window(0), Slow(), Slow()
    await window.handle(consumer, read(0, 4), first)
    task = asyncio.create_task(window.handle(consumer, read(5, 9), second))
    await soon()
    assert not second.begun
    await first.end()
    assert second.begun
    assert consumer.at[0] == 5
    await second.end()
    await task
    assert consumer.at[0] == 10


async def test_the_next_batch_comes_meanwhile_and_only_the_commit_waits_for_the_slowest():
    consumer, window, slow = Consumer(), Window(100), Slow()
    await window.handle(consumer, [*read(0, 4), *read(0, 0, 1)], slow)
    await window.handle(consumer, [*read(5, 9), *read(1, 3, 1)], at_once)
    await window.handle(consumer, read(10, 12), at_once)
    assert consumer.at == [0, 0]
    await slow.end()
    assert consumer.at == [13, 4]


async def test_no_more_is_open_than_the_window_is_wide():
    consumer, window, slow = Consumer(), Window(5), Slow()
    await window.handle(consumer, read(0, 4), slow)
    waiting = asyncio.create_task(window.handle(consumer, read(5, 5), at_once))
    await soon()
    assert not waiting.done()
    await slow.end()
    await waiting
    assert consumer.at[0] == 6


@pytest.mark.parametrize("fault", [ConnectionError(), asyncio.CancelledError()], ids=["connection", "cancelled"])
async def test_what_breaks_cuts_off_what_is_open_and_all_of_it_is_taken_again(fault: BaseException):
    retried = list[int]()
    consumer, window, broken, other = Consumer(), Window(100, lambda: retried.append(1)), Slow(), Slow()
    await window.mend(consumer)
    await window.handle(consumer, [*read(0, 4), *read(0, 4, 1)], at_once)
    await window.handle(consumer, read(5, 9), broken)
    await window.handle(consumer, [*read(10, 14), *read(5, 6, 1)], other)
    await window.handle(consumer, read(15, 19), at_once)
    await broken.end(fault)
    assert window.failed is fault
    assert consumer.at == [5, 5]

    await window.mend(consumer)

    assert other.cut
    assert consumer.sought == {TopicPartition("t", 0): 5, TopicPartition("t", 1): 5}
    assert retried == [1]
    await window.handle(consumer, [*read(5, 19), *read(5, 6, 1)], at_once)
    assert consumer.at == [20, 7]


async def test_what_broke_comes_again_in_smaller_batches_that_grow_as_they_are_done():
    consumer, window = Consumer(), Window(0)

    async def breaks(_: Onward) -> None:
        raise ConnectionError

    sizes = [window.records]
    for _ in range(3):
        await window.handle(consumer, read(0, 39), breaks)
        await window.mend(consumer)
        sizes.append(window.records)
    for first in range(0, 120, 40):
        await window.handle(consumer, read(first, first + 39), at_once)
        sizes.append(window.records)

    assert sizes == [10_000, 20, 10, 8, 16, 32, 64]


async def test_what_another_has_by_now_is_neither_committed_nor_sought():
    consumer, window, slow = Consumer(), Window(100), Slow()
    await window.handle(consumer, [*read(0, 4), *read(0, 4, 1)], slow)
    consumer.partitions = 1
    await slow.end(ConnectionError())
    await window.mend(consumer)
    assert consumer.sought == {TopicPartition("t", 0): 0}
    await window.handle(consumer, [*read(0, 4), *read(0, 4, 1)], at_once)
    assert consumer.committed == {TopicPartition("t", 0): 5}


async def test_a_commit_that_fails_is_said_again_by_the_next():
    consumer, window = Consumer(broken=True), Window(100)
    await window.handle(consumer, read(0, 4), at_once)
    consumer.broken = False
    await window.handle(consumer, read(5, 9), at_once)
    assert window.failed is None
    assert consumer.at[0] == 10


async def test_before_partitions_go_what_is_open_is_finished():
    consumer, window, slow = Consumer(), Window(100), Slow()
    await window.handle(consumer, read(0, 4), slow)
    draining = asyncio.create_task(window.drain())
    await soon()
    assert not draining.done()
    await slow.end()
    await draining
    assert consumer.at[0] == 5


async def test_at_the_end_nothing_begins_and_what_takes_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(window_of, "PATIENCE", 0.01)
    consumer, window, slow, late = Consumer(), Window(100), Slow(), Slow()
    await window.handle(consumer, read(0, 4), slow)
    await window.drain(closing=True)
    await window.handle(consumer, read(5, 9), late)
    assert (slow.cut, late.begun, consumer.at[0]) == (True, False, 0)


async def test_who_is_cancelled_cancels_its_batch():
    consumer, window = Consumer(), Window(0)
    begun, ended = asyncio.Event(), asyncio.Event()

    async def slow(onward: Onward) -> None:  # noqa: ARG001
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    task = asyncio.create_task(window.handle(consumer, read(0, 4), slow))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(ended.wait(), 5)
    assert consumer.at[0] == 0
