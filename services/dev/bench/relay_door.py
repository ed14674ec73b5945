"""Asking a relay: a record out, the one with its key back. Nothing is sealed and nothing is checked."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from counterfoil.contracts import exchange_replied, exchange_requested
from counterfoil.wire.kafka import Connection, Listener, Publisher, Record
from counterfoil.wire.outbox import Outbox
from services.dev.bench.arrivals import Ask
from services.dev.bench.relay import PARTITION

SIZE = 1600


@asynccontextmanager
async def door(kafka: str, prefix: str, partitions: int) -> AsyncIterator[Ask]:
    connection, partition = Connection(kafka, prefix), secrets.randbelow(partitions)
    asked, replied = connection.topic(exchange_requested.TOPIC), connection.topic(exchange_replied.TOPIC)
    publisher, listener = Publisher(connection), Listener(connection, replied, partition)
    outbox = Outbox(publisher)
    waiting: dict[bytes, asyncio.Future[None]] = {}
    headers = [(PARTITION, str(partition).encode())]

    async def ask() -> None:
        key = str(uuid4()).encode()
        waiting[key] = asyncio.get_running_loop().create_future()
        try:
            outbox.put(Record(asked, key, b"x" * SIZE, headers))
            async with asyncio.timeout(10):
                await waiting[key]
        finally:
            del waiting[key]

    async def hear() -> None:
        async for records in listener.batches():
            for record in records:
                found = waiting.get(record.key)
                if found is not None and not found.done():
                    found.set_result(None)

    await publisher.start()
    await listener.start()
    hearing = asyncio.create_task(hear())
    try:
        yield ask
    finally:
        hearing.cancel()
        await outbox.stop()
        await publisher.stop()
        await listener.stop()
