"""The line to Kafka: what goes out, and the one partition that answers come in on. Once it is broken it stays so; a new one is opened."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

from counterfoil.client.errors import CounterfoilError
from counterfoil.contracts import exchange_replied
from counterfoil.contracts.exchange_replied import ExchangeReplied
from counterfoil.wire.kafka import Connection, Listener, Publisher, Record
from counterfoil.wire.outbox import Outbox


class Waiting(Protocol):
    def offer(self, box: str) -> None: ...

    def lose(self, error: Exception) -> None: ...


class Line:
    def __init__(self, connection: Connection, partition: int, waiting: Mapping[str, Waiting]) -> None:
        """`waiting` by request_hash: whoever is in it is offered each answer to it, and told when none can come any more."""
        self._waiting = waiting
        self._publisher = Publisher(connection)
        self._outbox = Outbox(self._publisher)
        self._listener = Listener(connection, connection.topic(exchange_replied.TOPIC), partition)
        self._reader: asyncio.Task[None] | None = None

    async def open(self) -> None:
        try:
            await self._listener.start()
            await self._publisher.start()
        except ValueError as error:  # there is no such partition
            await self.close()
            fix = "check the partitions and the topics' prefix that the gateway names"
            raise CounterfoilError("no_reply_partition", str(error), fix=fix) from None
        except BaseException:
            await self.close()
            raise
        self._reader = asyncio.create_task(self._read())
        self._reader.add_done_callback(self._lost)

    @property
    def broken(self) -> bool:
        return self._reader is None or self._reader.done()

    def put(self, record: Record) -> "asyncio.Future[None]":
        return self._outbox.put(record)

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError, Exception):  # what ended it has been told to whoever waited
                await self._reader
        await self._outbox.stop()
        await self._publisher.stop()
        await self._listener.stop()

    async def _read(self) -> None:
        async for records in self._listener.batches():
            for record in records:
                self._route(record)

    def _route(self, record: Any) -> None:
        """By the key: others' answers pass by unread. What is in the value counts only once it has been opened and checked."""
        waiting = self._waiting.get((record.key or b"").decode("ascii", "replace"))
        if waiting is None:
            return
        with suppress(ValueError):
            waiting.offer(ExchangeReplied.model_validate_json(record.value or b"").box)

    def _lost(self, reader: "asyncio.Task[None]") -> None:
        error = None if reader.cancelled() else reader.exception()
        why = "the client was closed" if reader.cancelled() else f"the reply listener stopped: {type(error).__name__}"
        for waiting in list(self._waiting.values()):
            waiting.lose(ConnectionError(why))
