"""Recorded messages, read beside the running services: no group is joined, no offset is kept anywhere, nothing is written."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from counterfoil.contracts.base import Topic
from counterfoil.wire.envelope import decode
from counterfoil.wire.kafka import Connection, Listener, TopicPartition
from counterfoil_server.runtime.stage import Received

Bound = int | datetime | None
"""An offset, of each partition; a time; or as far as it goes."""

Offsets = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True)
class Span:
    first: Bound = None
    last: Bound = None


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    topic: Topic
    partition: int
    offset: int
    at_ms: int
    value: bytes = field(repr=False)
    headers: Mapping[str, bytes] = field(repr=False)

    @property
    def place(self) -> str:
        return f"{self.topic} {self.partition}:{self.offset}"

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.at_ms / 1000, UTC)

    def received(self) -> Received:
        """Raises Unreadable."""
        fact = decode(self.topic, self.value, dict(self.headers))
        return Received(self.topic, fact, self.value, self.headers, self.partition, self.offset, self.at_ms)


async def recorded(connection: Connection, topic: Topic, span: Span) -> AsyncGenerator[list[Message], None]:
    """What the topic holds of the span now, a poll at a time; what comes meanwhile is not waited for."""
    listener = Listener(connection, connection.topic(topic), None)
    await listener.start()
    consumer = listener.consumer
    try:
        places = sorted(consumer.assignment())
        oldest, newest = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        starts = oldest if span.first is None else await bounds(consumer, span.first, oldest, newest)
        ends = newest if span.last is None else await bounds(consumer, span.last, oldest, newest)
        open_ = {place for place in places if starts[place] < ends[place]}
        for place in places:
            consumer.seek(place, starts[place])
        consumer.pause(*(place for place in places if place not in open_))
        while open_:
            polled = await consumer.getmany(timeout_ms=500, max_records=1000)
            found = [message(topic, one) for place, records in polled.items() for one in records if one.offset < ends[place]]
            for place in [place for place in open_ if await consumer.position(place) >= ends[place]]:
                open_.discard(place)
                consumer.pause(place)
            if found:
                yield found
    finally:
        await listener.stop()


async def bounds(consumer: Any, bound: int | datetime, oldest: Offsets, newest: Offsets) -> Offsets:
    """An offset that a partition has not reached, or no longer holds, is its own nearest."""
    if isinstance(bound, int):
        wanted = dict.fromkeys(oldest, bound)
    else:
        found = await consumer.offsets_for_times(dict.fromkeys(oldest, int(bound.timestamp() * 1000)))
        wanted = {place: newest[place] if found.get(place) is None else found[place].offset for place in oldest}
    return {place: min(max(wanted[place], oldest[place]), newest[place]) for place in oldest}


def message(topic: Topic, raw: Any) -> Message:
    return Message(topic, raw.partition, raw.offset, raw.timestamp, raw.value or b"", dict(raw.headers))


async def side_by_side(connection: Connection, spans: Mapping[Topic, Span]) -> AsyncIterator[Message]:
    """Of several topics: always the next poll of the one that is behind in time, so that what belongs together is near each other."""
    streams = {topic: recorded(connection, topic, span) for topic, span in spans.items()}
    reached = dict.fromkeys(streams, 0)
    try:
        while reached:
            topic = min(reached, key=lambda one: reached[one])
            part = await anext(streams[topic], None)
            if part is None:
                del reached[topic]
                continue
            reached[topic] = max(one.at_ms for one in part)
            for one in part:
                yield one
    finally:
        for stream in streams.values():
            await stream.aclose()


async def kept_since(connection: Connection, topic: Topic) -> datetime | None:
    """From when on all of its partitions hold what was published; None where the topic is empty."""
    listener = Listener(connection, connection.topic(topic), None)
    await listener.start()
    consumer, found = listener.consumer, []
    try:
        places = sorted(consumer.assignment())
        oldest, newest = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        for place in (one for one in places if oldest[one] < newest[one]):
            consumer.seek(place, oldest[place])
            while not (records := (await consumer.getmany(place, timeout_ms=500, max_records=1)).get(place)):
                pass
            found.append(records[0].timestamp)
    finally:
        await listener.stop()
    return datetime.fromtimestamp(max(found) / 1000, UTC) if found else None
