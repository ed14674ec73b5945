"""The floor under the exchange: stages that only pass on, with the same topics, processes, acknowledgements and committed transactions.

`python -m services.dev.bench.relay` with its part in RELAY (JSON) is one such process. Sizes are those of our facts.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import asyncpg

from counterfoil.contracts import (
    audit_recorded,
    exchange_authorized,
    exchange_minted,
    exchange_replied,
    exchange_requested,
    exchange_verified,
)  # fmt: skip
from counterfoil.contracts.base import Topic
from counterfoil.wire.kafka import AIOKafkaConsumer, Connection, Publisher, Record

PARTITION = "reply-partition"
ROW = 900
"""Bytes written for each record and transaction."""


@dataclass(frozen=True, slots=True)
class Part:
    """`before` and `after`: transactions before what is passed on is sent, and after it was acknowledged."""

    reads: tuple[Topic, ...]
    writes: Topic
    size: int
    before: int = 0
    after: int = 0
    log: Topic | None = None


PARTS = {
    "verify": Part((exchange_requested.TOPIC,), exchange_verified.TOPIC, 1600),
    "authorize": Part((exchange_verified.TOPIC,), exchange_authorized.TOPIC, 3100),
    "mint": Part((exchange_authorized.TOPIC,), exchange_minted.TOPIC, 1700, before=2),
    "audit": Part(
        (exchange_verified.TOPIC, exchange_authorized.TOPIC, exchange_minted.TOPIC), exchange_replied.TOPIC, 4600, before=1, after=1,
        log=audit_recorded.TOPIC,
    ),
    "echo": Part((exchange_requested.TOPIC,), exchange_replied.TOPIC, 700),
}  # fmt: skip


class Relay:
    def __init__(self, part: Part, connection: Connection, db: asyncpg.Pool | None) -> None:
        self._part, self._connection, self._db = part, connection, db
        self._publisher = Publisher(connection)
        self._last = connection.topic(part.reads[-1])

    async def run(self, group: str) -> None:
        topics = [self._connection.topic(topic) for topic in self._part.reads]
        consumer = AIOKafkaConsumer(
            *topics, **self._connection.options(), group_id=group, group_instance_id=group, enable_auto_commit=False,
            auto_offset_reset="earliest", heartbeat_interval_ms=1000,
        )  # fmt: skip
        await self._publisher.start()
        await consumer.start()
        while True:
            polled = await consumer.getmany(timeout_ms=500, max_records=500)
            if records := list(chain.from_iterable(polled.values())):
                await self._pass_on(records)
                await consumer.commit({place: found[-1].offset + 1 for place, found in polled.items()})

    async def _pass_on(self, records: Sequence[Any]) -> None:
        await self._commit(self._part.before, records)
        passed = [self._record(one) for one in records if one.topic == self._last]
        if self._part.log:
            passed.append(Record(self._connection.topic(self._part.log), b"log", b"x" * min(128 * 1024, 1500 * len(records)), []))
        await self._publisher.acked(await self._publisher.send(passed))
        await self._commit(self._part.after if len(passed) > 1 else 0, records)

    def _record(self, one: Any) -> Record:
        replies = self._part.writes is exchange_replied.TOPIC
        partition = int(dict(one.headers)[PARTITION]) if replies else one.partition
        return Record(self._connection.topic(self._part.writes), one.key, b"x" * self._part.size, list(one.headers), partition)

    async def _commit(self, times: int, records: Sequence[Any]) -> None:
        if self._db is None:
            return
        for _ in range(times):
            await self._db.execute("INSERT INTO passed (bytes) SELECT unnest($1::bytea[])", [b"x" * ROW for _ in records])


async def main() -> None:
    told = json.loads(os.environ["RELAY"])
    db = await asyncpg.create_pool(os.environ["RELAY_DATABASE"], min_size=1, max_size=1) if told["part"] in ("mint", "audit") else None
    await Relay(PARTS[told["part"]], Connection(told["kafka"], told["prefix"]), db).run(f"{told['prefix']}.{told['part']}")


if __name__ == "__main__":
    asyncio.run(main())
