"""Kafka, as both ends use it. The only file that knows aiokafka."""

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber, ProducerFenced, UnknownError
from aiokafka.partitioner import murmur2

from counterfoil.contracts.base import Topic
from counterfoil.wire.secret import Secret

__all__ = ["AIOKafkaConsumer", "Connection", "ConsumerRebalanceListener", "KafkaError", "Listener", "Publisher", "Record", "TopicPartition"]

LARGEST_MESSAGE, LARGEST_BATCH = 256 * 1024, 512 * 1024
METADATA_TRIES, METADATA_PAUSE = 20, 0.1
BROKEN = (OutOfOrderSequenceNumber, ProducerFenced, UnknownError)
"""Errors after which an idempotent producer is of no more use. Code 90, PRODUCER_FENCED, shows as UnknownError."""

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True)
class Connection:
    """Where Kafka is and how to get in. `prefix` comes before every topic's name."""

    servers: str
    prefix: str = "counterfoil"
    username: str | None = None
    password: Secret | None = None
    tls: bool = False
    cafile: str | None = None

    def topic(self, topic: Topic | str) -> str:
        return f"{self.prefix}.{topic}"

    def options(self) -> dict[str, Any]:
        """As aiokafka's clients want it."""
        protocol = ("SASL_" if self.username else "") + ("SSL" if self.tls else "PLAINTEXT")
        options: dict[str, Any] = {"bootstrap_servers": self.servers, "security_protocol": protocol}
        if self.username and self.password:
            options |= {"sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": self.username, "sasl_plain_password": self.password.text()}
        if self.tls:
            options["ssl_context"] = ssl.create_default_context(cafile=self.cafile)
        return options


@dataclass(frozen=True, slots=True)
class Record:
    """One record on its way out. Without a partition its key decides, as in Kafka's own clients."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers = field(repr=False)
    partition: int | None = None


async def bounded(stopping: Coroutine[Any, Any, None]) -> None:
    """aiokafka's stop() may hang, or raise the cancellation of a task of its own: neither is news to whoever is leaving."""
    await asyncio.wait({asyncio.ensure_future(stopping)}, timeout=5)


class Publisher:
    """An idempotent producer that is built anew when the broker no longer accepts it. Sends one batch per partition."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._producer: AIOKafkaProducer | None = None
        self._open, self._rebuilding = False, asyncio.Lock()

    async def start(self) -> None:
        self._open = True
        await self._begin()

    async def _begin(self) -> None:
        """One that could not be started is not kept: it would wait for good for a broker that it no longer looks for."""
        limits = {"max_batch_size": LARGEST_BATCH, "max_request_size": 4 * LARGEST_BATCH, "request_timeout_ms": 10_000}
        producer = AIOKafkaProducer(**self._connection.options(), acks="all", enable_idempotence=True, linger_ms=0, **limits)
        try:
            await producer.start()
        except BaseException:
            await bounded(producer.stop())
            raise
        self._producer = producer

    async def stop(self) -> None:
        self._open = False
        await self._leave()

    async def _leave(self) -> None:
        if self._producer:
            producer, self._producer = self._producer, None
            await bounded(producer.stop())

    def waiting(self) -> int:
        """Batches that are not on their way to the broker yet."""
        return 0 if self._producer is None else sum(map(len, self._producer._message_accumulator._batches.values()))  # noqa: SLF001

    async def send(self, records: Sequence[Record]) -> list["asyncio.Future[Any]"]:
        """Hand the records over, in order within a partition. Await the futures: only then are they in the log."""
        producer = self._producer or await self._rebuild()
        futures = []
        for (topic, partition), group in (await self._by_partition(producer, records)).items():
            builder = producer.create_batch()
            for record in group:
                if builder.append(key=record.key, value=record.value, timestamp=None, headers=record.headers) is None:
                    builder.close()
                    futures.append(await producer.send_batch(builder, topic, partition=partition))
                    builder = producer.create_batch()
                    builder.append(key=record.key, value=record.value, timestamp=None, headers=record.headers)
            builder.close()
            futures.append(await producer.send_batch(builder, topic, partition=partition))
        return futures

    async def acked(self, futures: Sequence["asyncio.Future[Any]"]) -> None:
        """Wait until every one is in the log. Raises the first error, after which a broken producer has been replaced."""
        try:
            await asyncio.gather(*futures)
        except BROKEN:
            await self._rebuild()
            raise

    async def _by_partition(self, producer: AIOKafkaProducer, records: Sequence[Record]) -> dict[tuple[str, int], list[Record]]:
        groups: dict[tuple[str, int], list[Record]] = defaultdict(list)
        for record in records:
            partition = record.partition
            if partition is None:
                count = len(await producer.partitions_for(record.topic))
                partition = (murmur2(record.key) & 0x7FFFFFFF) % count
            groups[record.topic, partition].append(record)
        return groups

    async def _rebuild(self) -> AIOKafkaProducer:
        broken = self._producer
        async with self._rebuilding:
            if not self._open:
                raise ConnectionError("the producer is not started")
            if self._producer is broken:
                await self._leave()
                await self._begin()
            return self._producer


class Listener:
    """Reads one partition without a group: others' records pass by, nothing is committed."""

    def __init__(self, connection: Connection, topic: str, partition: int | None) -> None:
        """`partition` None: all of the topic."""
        self.consumer = AIOKafkaConsumer(
            **connection.options(), enable_auto_commit=False, auto_offset_reset="latest", group_id=None, fetch_max_wait_ms=500
        )
        self._topic, self._partition = topic, partition

    async def start(self, offset: int | None = None) -> None:
        """From `offset`, or from now on."""
        await self.consumer.start()
        partitions = await self.partitions()
        if self._partition is not None and self._partition not in partitions:
            await self.consumer.stop()
            raise ValueError(f"{self._topic} has no partition {self._partition}")
        assigned = [TopicPartition(self._topic, number) for number in (partitions if self._partition is None else [self._partition])]
        self.consumer.assign(assigned)
        if offset is None:
            await self.consumer.seek_to_end(*assigned)
            for one in assigned:  # seek_to_end is lazy: a record sent before the first poll would be missed
                await self.consumer.position(one)
        else:
            oldest = (await self.consumer.beginning_offsets(assigned))[assigned[0]]
            self.consumer.seek(assigned[0], max(offset, oldest))

    async def end(self) -> int:
        """Of its one partition: the offset that the next record will have."""
        ends = await self.consumer.end_offsets(self.consumer.assignment())
        return int(max(ends.values()))

    async def partitions(self) -> list[int]:
        """A consumer that never asked for the topic knows nothing of it, and a broker knows of a new one a moment later than who made it."""
        wanted = self._partition or 0
        for _ in range(METADATA_TRIES):
            found = self.consumer.partitions_for_topic(self._topic) or set()
            if wanted in found:
                break
            await self.consumer._client.force_metadata_update()  # noqa: SLF001
            await asyncio.sleep(METADATA_PAUSE)
        return sorted(self.consumer.partitions_for_topic(self._topic) or ())

    async def batches(self) -> AsyncIterator[Sequence[Any]]:
        """Records as they come: with topic, partition, offset, key, value, headers, timestamp (ms)."""
        while True:
            polled = await self.consumer.getmany(timeout_ms=1000, max_records=1000)
            for records in polled.values():
                yield records

    async def stop(self) -> None:
        await bounded(self.consumer.stop())
