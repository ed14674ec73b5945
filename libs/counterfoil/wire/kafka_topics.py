"""Making topics as the contracts describe them: retention, partitions, the broker's own clock. Beside kafka.py the only file that knows aiokafka."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from counterfoil.contracts.base import Topic
from counterfoil.wire.kafka import LARGEST_MESSAGE, Connection

DEAD_LETTERS_KEPT = timedelta(hours=24)
ALREADY_EXISTS = 36
LARGEST, ROOM = 4 * LARGEST_MESSAGE, LARGEST_MESSAGE
"""Kafka limits batches, not messages. A dead letter is the largest message there may be, and the reason beside it: it needs room."""


def configs(keep: timedelta, largest: int = LARGEST) -> dict[str, str]:
    """A segment is deleted as a whole, so it has to be rolled well within the time a topic is kept."""
    milliseconds = int(keep.total_seconds() * 1000)
    return {
        "retention.ms": str(milliseconds), "segment.ms": str(max(60_000, milliseconds // 4)), "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(largest), "cleanup.policy": "delete", "compression.type": "producer",
    }  # fmt: skip


def wanted(connection: Connection, topics: Sequence[Topic]) -> Mapping[str, dict[str, str]]:
    """Every topic and its dead letters, with their settings."""
    found = {connection.topic(topic): configs(topic.keep) for topic in topics}
    return found | {f"{connection.topic(topic)}.dlq": configs(DEAD_LETTERS_KEPT, LARGEST + ROOM) for topic in topics}


async def create(connection: Connection, topics: Sequence[Topic], partitions: int, replication: int = 1) -> list[str]:
    """Make those that are missing; bring the settings of the others up to date. Returns the names of the new ones."""
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        specs = wanted(connection, topics)
        known = set(await admin.list_topics())
        if replication > 1:
            specs = {name: found | {"min.insync.replicas": "2"} for name, found in specs.items()}
        missing = [NewTopic(name, partitions, replication, topic_configs=found) for name, found in specs.items() if name not in known]
        if missing:
            answer = await admin.create_topics(missing, timeout_ms=30_000)
            for name, code, *_ in answer.topic_errors:
                if code not in (0, ALREADY_EXISTS):
                    raise for_code(code)(f"topic {name}")
        if old := specs.keys() & known:
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=specs[name]) for name in old])
        return [topic.name for topic in missing]
    finally:
        await admin.close()


async def partitions_of(connection: Connection, topic: Topic) -> int:
    """0 where there is no such topic."""
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        (found,) = await admin.describe_topics([connection.topic(topic)])
        return len(found["partitions"]) if found["error_code"] == 0 else 0
    finally:
        await admin.close()


async def answers(connection: Connection) -> bool:
    """An open port is not enough: a cluster answers once it has a controller."""
    admin = AIOKafkaAdminClient(**connection.options(), request_timeout_ms=2_000)
    try:
        async with asyncio.timeout(5):
            await admin.start()
            return int((await admin.describe_cluster())["controller_id"]) >= 0
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        with suppress(KafkaError, OSError):
            await admin.close()
