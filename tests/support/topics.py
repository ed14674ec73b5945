"""Reading topics whole, as someone who broke into the broker would."""

from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from counterfoil.contracts import TOPICS
from counterfoil.wire.kafka import Connection


@dataclass(frozen=True)
class Seen:
    topic: str
    key: bytes
    value: bytes
    headers: dict[str, bytes]
    partition: int
    offset: int

    def everything(self) -> bytes:
        return b"\x00".join([self.key, self.value, *(name.encode() + b"=" + value for name, value in self.headers.items())])


async def everything(connection: Connection, *names: str) -> list[Seen]:
    """Every record of these topics (all, and their dead letters, if none is named)."""
    names = names or tuple(name for topic in TOPICS for name in (connection.topic(topic), f"{connection.topic(topic)}.dlq"))
    consumer = AIOKafkaConsumer(bootstrap_servers=connection.servers, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        found: list[Seen] = []
        for name in names:
            partitions = [TopicPartition(name, number) for number in range(4)]
            ends: dict[Any, int] = await consumer.end_offsets(partitions)
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            while any([await consumer.position(place) < end for place, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=200, max_records=2000)).values():
                    found += [Seen(one.topic, one.key or b"", one.value or b"", dict(one.headers), one.partition, one.offset) for one in records]
        return found
    finally:
        await consumer.stop()
