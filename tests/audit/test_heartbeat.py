"""What audit says of how far it has come."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import pytest

from counterfoil.wire.kafka import TopicPartition
from counterfoil_server.runtime.stage import TRANSPORT, Received
from counterfoil_server.runtime.unread import Unread
from services.audit.heartbeat import Progress, beat
from tests.audit.facts import NOW, received, verified
from tests.audit.house import House

AT = 1_700_000_000_000
PLACE = ("exchange.verified.v1", 0)
Places = Collection[tuple[str, int]] | None


class Lag:
    def __init__(self, places: Places) -> None:
        self.places = places

    async def __call__(self) -> Places:
        return self.places


def moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def facts(house: House, at_ms: int) -> list[Received]:
    return [received(verified(house.asked()), at_ms=at_ms)]


async def test_who_has_read_everything_is_caught_up_to_now():
    assert await Progress(Lag(()), lambda: NOW).caught_up_to() == NOW


async def test_before_the_partitions_are_known_nothing_is_claimed():
    assert await Progress(Lag(None), lambda: NOW).caught_up_to() is None


async def test_a_backlog_of_which_nothing_was_taken_yet_could_be_of_any_age():
    assert await Progress(Lag([PLACE]), lambda: NOW).caught_up_to() is None


async def test_with_a_backlog_it_is_caught_up_to_what_was_appended_last(house: House):
    progress = Progress(Lag([PLACE]), lambda: NOW)
    progress.took(facts(house, AT))
    progress.appended(facts(house, AT))

    assert await progress.caught_up_to() == moment(AT)


async def test_what_was_taken_and_is_no_leaf_yet_counts_as_unread(house: House):
    progress = Progress(Lag(()), lambda: NOW)
    progress.took([*facts(house, AT + 5), *facts(house, AT)])

    assert await progress.caught_up_to() == moment(AT)
    assert await progress.caught_up_to(appending=True) == NOW


async def test_a_batch_that_failed_still_counts_as_unread(house: House):
    async def away(_: object) -> None:
        raise ConnectionError

    fact = received(verified(house.asked()), at_ms=AT)
    house.log_keys, kept = [], house.log_keys
    with pytest.raises(OSError, match="log key"):
        await house.run(fact)

    assert await house.progress.caught_up_to() == moment(AT)
    house.log_keys = kept
    await house.run(fact)
    assert await house.progress.caught_up_to() == house.now


async def row(house: House) -> asyncpg.Record:
    return await house.owner.fetchrow("SELECT at, caught_up_to FROM heartbeat WHERE role = 'audit'")


async def test_each_append_is_a_heartbeat(house: House):
    await house.run(verified(house.asked()))
    first = await row(house)

    await house.run(verified(house.asked()))

    assert (await row(house))["at"] > first["at"]
    assert first["caught_up_to"] == house.now


async def test_an_append_claims_nothing_that_it_does_not_know(house: House):
    await house.run(verified(house.asked()))
    house.progress._unread = Lag(None)

    await house.run(verified(house.asked()))

    assert (await row(house))["caught_up_to"] == house.now


async def test_an_idle_audit_beats_and_claims_nothing_that_it_does_not_know(house: House):
    await house.run(verified(house.asked()))
    first = await row(house)

    beating = asyncio.create_task(beat(house.writer, Progress(Lag(None), lambda: NOW), every=0.02))
    await asyncio.sleep(0.2)
    beating.cancel()

    second = await row(house)
    assert second["at"] > first["at"]
    assert second["caught_up_to"] == first["caught_up_to"]


async def test_the_heart_stops_with_the_writers_connection(house: House):
    beating = asyncio.create_task(beat(house.writer, house.progress, every=0.02))
    await house.cut_the_writer()

    with pytest.raises(TRANSPORT):
        await asyncio.wait_for(beating, 10)


@dataclass
class Consumer:
    """As aiokafka's, with one partition."""

    at: int
    end: int | None
    assigned: bool = True

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition("counterfoil.exchange.verified.v1", 0)}

    def highwater(self, _: TopicPartition) -> int | None:
        assert self.assigned
        return self.end

    async def position(self, _: TopicPartition) -> int:
        return self.at


async def unread(*consumers: Consumer) -> Places:
    asks = Unread("counterfoil")
    asks.consumers = lambda: consumers
    return await asks()


async def test_a_partition_is_read_when_its_consumer_stands_at_its_end():
    assert await unread(Consumer(7, 7)) == set()
    assert await unread(Consumer(6, 7)) == {PLACE}


async def test_a_partition_that_was_never_fetched_counts_as_unread():
    assert await unread(Consumer(0, None)) == {PLACE}


async def test_what_lies_unread_is_not_known_without_partitions_and_while_they_move():
    assert await unread() is None
    assert await unread(Consumer(7, 7), Consumer(7, 7, assigned=False)) is None
