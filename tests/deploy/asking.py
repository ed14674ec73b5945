"""One principal at a Kafka's door: asks for everything at once, and reads the broker's answer for each name."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.protocol.admin import CreatePartitionsRequest
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from counterfoil.wire.kafka import Connection

TOPIC_REFUSED, GROUP_REFUSED = 29, 30
UNKNOWN_MEMBER, TOPIC_EXISTS, NO_NEW_PARTITIONS = 25, 36, 37
PARTITIONS = 4
Codes = Mapping[str, int]
"""By name: the broker's error code, 0 where it did what was asked."""


def batch() -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 10_000)
    builder.append(0, 0, b"k", b"v", [])
    return bytes(builder.build())


@dataclass(frozen=True)
class Asking:
    admin: AIOKafkaAdminClient

    async def make(self, topics: Iterable[str]) -> None:
        answer = await self.admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in topics])
        assert {code for _, code, *_ in answer.topic_errors} <= {0, TOPIC_EXISTS}

    async def groups_are_kept(self) -> None:
        """The first who looks for a coordinator has the topic made that groups are kept in."""
        async with asyncio.timeout(30):
            while (await self.admin._send_request(HeartbeatRequest("nobodys", -1, "stranger"))).error_code != UNKNOWN_MEMBER:
                await self.admin._send_request(FindCoordinatorRequest("nobodys", 0))
                await asyncio.sleep(0.1)

    async def write(self, topics: Iterable[str]) -> Codes:
        answer = await self.admin._send_request(ProduceRequest(None, -1, 10_000, [(topic, [(0, batch())]) for topic in topics]))
        return {topic: partitions[0][1] for topic, partitions in answer.topics}

    async def read(self, topics: Iterable[str]) -> Codes:
        """From the beginning of partition 0, where a record lies."""
        answer = await self.admin._send_request(FetchRequest(0, 1, 1_000_000, 0, [(topic, [(0, 0, 10_000)]) for topic in topics]))
        return {topic: partitions[0][1] for topic, partitions in answer.topics}

    async def see(self, topics: Iterable[str]) -> Codes:
        return {one["topic"]: one["error_code"] for one in await self.admin.describe_topics(list(topics))}

    async def create(self, topics: Iterable[str]) -> Codes:
        """Names that are there already: who may create them is told just that."""
        answer = await self.admin.create_topics([NewTopic(topic, 1, 1) for topic in topics], validate_only=True)
        return {topic: code for topic, code, *_ in answer.topic_errors}

    async def alter(self, topics: Iterable[str]) -> Codes:
        """To the number that they have: who may alter them is told that this is none."""
        wanted: list[tuple[str, tuple[int, list[int]]]] = [(topic, (PARTITIONS, [])) for topic in topics]
        answer = await self.admin._send_to_controller(CreatePartitionsRequest(topic_partitions=wanted, timeout=10_000, validate_only=True))
        return {topic: code for topic, code, *_ in answer.topic_errors}

    async def alter_settings(self, topics: Iterable[str]) -> Codes:
        wanted = [ConfigResource(ConfigResourceType.TOPIC, topic, configs={"cleanup.policy": "delete"}) for topic in topics]
        found: dict[str, int] = {}
        for answer in await self.admin.alter_configs(wanted):
            found |= {name: code for code, _, _, name in answer.resources}
        return found

    async def delete(self, topics: Iterable[str]) -> Codes:
        answer = await self.admin.delete_topics(list(topics))
        return dict(answer.topic_error_codes)

    async def join(self, groups: Iterable[str]) -> Codes:
        """As a member that the group does not know: who may join is told just that."""
        return {group: (await self.admin._send_request(HeartbeatRequest(group, -1, "stranger"))).error_code for group in groups}


@asynccontextmanager
async def asking(connection: Connection) -> AsyncIterator[Asking]:
    admin: Any = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        yield Asking(admin)
    finally:
        await admin.close()
