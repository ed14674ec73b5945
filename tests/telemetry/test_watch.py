"""What lies before a stage, and how old it can be."""

import time
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest

from counterfoil.wire.kafka import KafkaError, TopicPartition
from counterfoil_server.runtime.bus import appended
from counterfoil_server.runtime.watch import Lying, Stalled, Watch

PLACES = [TopicPartition("cf.exchange.verified.v1", number) for number in (0, 1)]
AT = "policy", "exchange.verified.v1"


class Consumer:
    stage = "policy"

    def __init__(self) -> None:
        self.ends, self.at, self.taken = dict.fromkeys(PLACES, 10), dict.fromkeys(PLACES, 10), dict[Any, float]()

    def assignment(self) -> Collection[TopicPartition]:
        return self.at

    async def end_offsets(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: self.ends[place] for place in places}

    async def position(self, place: TopicPartition) -> int:
        return self.at[place]


def watching(consumer: Consumer, **more: Any) -> Watch:
    watch = Watch("gateway", "cf", **more)
    watch.over(lambda: [consumer], 1)
    return watch


async def test_nothing_lies_before_one_that_has_taken_all():
    watch = watching(Consumer())
    await watch.check(100.0)
    assert (watch.backlog, watch.lag) == ({AT: Lying(0, 0.0)}, 0)


async def test_what_lies_there_is_no_older_than_the_last_look_that_saw_nothing():
    consumer = Consumer()
    watch = watching(consumer)
    await watch.check(100.0)
    consumer.ends = {PLACES[0]: 13, PLACES[1]: 14}

    await watch.check(105.0)

    assert (watch.backlog, watch.lag) == ({AT: Lying(7, 5.0)}, 7)


async def test_nor_older_than_the_last_record_that_was_taken():
    consumer = Consumer()
    watch = watching(consumer)
    await watch.check(100.0)
    consumer.ends = {PLACES[0]: 20, PLACES[1]: 10}
    consumer.at[PLACES[0]], consumer.taken = 15, {PLACES[0]: 108.0}

    await watch.check(110.0)

    assert watch.backlog == {AT: Lying(5, 2.0)}


async def test_at_the_first_look_nobody_knows_and_from_then_on_it_grows():
    consumer = Consumer()
    consumer.ends[PLACES[0]] = 20
    watch = watching(consumer)

    for now, age in ((100.0, 0.0), (107.0, 7.0)):
        await watch.check(now)
        assert watch.backlog == {AT: Lying(10, age)}


async def test_who_stalls_is_told_before_the_process_ends():
    consumer, told = Consumer(), list[str]()
    consumer.ends[PLACES[0]] = 20
    watch = watching(consumer, stalled=told.append, patience=0.0)
    watch._every = 0.0

    with pytest.raises(Stalled):
        await watch.run()

    assert (told, watch.healthy) == (["policy"], False)


def test_when_a_record_came_is_told_in_monotonic_time():
    old, new = (SimpleNamespace(timestamp=(time.time() - ago) * 1000) for ago in (60, 3))

    found = appended({PLACES[0]: [old, new], PLACES[1]: []})

    assert list(found) == [PLACES[0]]
    assert time.monotonic() - found[PLACES[0]] == pytest.approx(3, abs=1)


async def test_partitions_that_were_dealt_anew_meanwhile_are_looked_at_next_time():
    class Dealt(Consumer):
        async def position(self, place: TopicPartition) -> int:
            raise KafkaError(f"{place} is not assigned")

    watch = watching(Dealt())
    await watch.check(100.0)

    assert (watch.ready, watch.backlog) == (True, {})
