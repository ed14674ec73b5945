"""Stages on Kafka. The only file that knows FastStream: it is our app shell, subscribes, and describes the topics as AsyncAPI."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import KafkaAckableMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber
from faststream.security import BaseSecurity, SASLScram512

from counterfoil.contracts.base import Topic
from counterfoil.wire.kafka import AIOKafkaConsumer, Connection, ConsumerRebalanceListener, TopicPartition
from counterfoil_server.runtime.dispatch import Dispatch
from counterfoil_server.runtime.stage import Stage
from counterfoil_server.runtime.window import Window

log = logging.getLogger("counterfoil.bus")
ALREADY_LARGE = 8


async def take(self: Any, consumer: AIOKafkaConsumer) -> tuple[Any, ...]:
    """FastStream sleeps for `batch_timeout_ms` after an empty poll and is deaf while it does. A poll that waits needs no sleep.

    Pacing: where the last batch was large already, a short wait makes the next one larger, which saves more than it costs.
    """
    consumer.turned_at = time.monotonic()
    await self.window.mend(consumer)
    if getattr(consumer, "last_size", 0) > ALREADY_LARGE and (pause := getattr(consumer, "pacing", 0.0)):
        await asyncio.sleep(pause)
    polled = await consumer.getmany(timeout_ms=int(self.batch_timeout_ms), max_records=min(self.max_records, self.window.records))
    consumer.turned_at = time.monotonic()
    consumer.stage, consumer.taken = self.stage, getattr(consumer, "taken", {}) | appended(polled)
    records = tuple(chain.from_iterable(polled.values()))
    consumer.last_size = len(records)
    return records


def appended(polled: Mapping[TopicPartition, Sequence[Any]]) -> dict[TopicPartition, float]:
    """When the last record of each partition came to its topic, in monotonic time."""
    since = time.monotonic() - time.time()
    return {place: since + records[-1].timestamp / 1000 for place, records in polled.items() if records}


BatchSubscriber.get_msg = take  # type: ignore[method-assign]


async def whole(message: KafkaMessage) -> Any:
    return message


def security(connection: Connection) -> BaseSecurity | None:
    context = connection.options().get("ssl_context")
    if connection.username and connection.password:
        return SASLScram512(connection.username, connection.password.text(), ssl_context=context, use_ssl=context is not None)
    return BaseSecurity(ssl_context=context, use_ssl=True) if context else None


def broker(connection: Connection, stages: Sequence[Stage], dispatch: Dispatch, *, replica: str, pacing_ms: int) -> KafkaBroker:
    """One consumer per stage, a static member of its group, so that a process that comes back in time gets its partitions at once."""
    # Without FastStream's injection: it would take every batch through a thread to find out what to call us with.
    made = KafkaBroker(connection.servers.split(","), security=security(connection), allow_auto_create_topics=False, logger=None, apply_types=False)
    for stage in stages:
        subscribe(made, connection, stage, dispatch, replica=replica, pacing_ms=pacing_ms)
        for topic in stage.writes:
            made.publisher(connection.topic(topic), schema=topic.carries, title=str(topic))
    return made


def subscribe(made: KafkaBroker, connection: Connection, stage: Stage, dispatch: Dispatch, *, replica: str, pacing_ms: int) -> None:
    topics: dict[str, Topic] = {connection.topic(topic): topic for topic in stage.reads}
    group = f"{connection.prefix}.{stage.group}"

    async def as_message(records: Any) -> KafkaMessage:
        """Instead of FastStream's own parser: it takes headers for UTF-8, and a record that is not would take its whole batch with it."""
        return KafkaAckableMessage(raw_message=records, body=b"", headers={}, consumer=subscriber.consumer, correlation_id="", message_id="")

    window = Window(stage.window, lambda: dispatch.telemetry.retried(stage.group))
    subscriber = made.subscriber(
        *topics,
        group_id=group,
        group_instance_id=f"{group}-{replica}",
        batch=True,
        max_records=stage.max_records,
        batch_timeout_ms=500,
        parser=as_message,
        decoder=whole,
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="earliest",
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_000,
        title=f"{stage.group}:{'+'.join(str(topic) for topic in stage.reads)}",
        listener=Dealt(lambda: dispatch.telemetry.rebalanced(stage.group), window),
    )

    subscriber.stage, subscriber.window = stage.group, window  # type: ignore[attr-defined]

    @subscriber
    async def on_batch(message: Any) -> None:
        records, consumer = message.raw_message, message.consumer
        consumer.pacing = pacing_ms / 1000
        await window.handle(consumer, records, lambda onward: dispatch.batch(stage, topics, records, onward))


class Dealt(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, told: Callable[[], None], window: Window) -> None:
        self._told, self._window = told, window

    async def on_partitions_revoked(self, revoked: Any) -> None:  # noqa: ARG002 - all of them, in this protocol
        """Who has them next begins at what was committed: so what is open is finished first."""
        await self._window.drain()

    def on_partitions_assigned(self, assigned: Any) -> None:  # noqa: ARG002 - that it was dealt is what counts
        self._told()


async def drained(made: KafkaBroker) -> None:
    """Before the end: what is open is finished, and nothing begins."""
    await asyncio.gather(*(one.window.drain(closing=True) for one in made.subscribers))  # type: ignore[attr-defined]


async def graves(made: KafkaBroker, connection: Connection) -> dict[str, int]:
    """How many dead letters each topic's DLQ keeps. Whoever may write there may ask."""
    found = {}
    for subscriber in made.subscribers:
        consumer: Any = getattr(subscriber, "consumer", None)
        for topic in [one.name for one in getattr(subscriber, "topics", ())] if consumer is not None and consumer.assignment() else ():
            places = [TopicPartition(f"{topic}.dlq", number) for number in consumer.partitions_for_topic(topic) or ()]
            ends, starts = await consumer.end_offsets(places), await consumer.beginning_offsets(places)
            found[topic.removeprefix(f"{connection.prefix}.")] = sum(ends[place] - starts[place] for place in places)
    return found


def consumers(made: KafkaBroker) -> list[AIOKafkaConsumer]:
    return [one.consumer for one in made.subscribers if getattr(one, "consumer", None) is not None]  # type: ignore[attr-defined]
