"""News of what was revoked: `revocation.settled`, read by a client on the bus for as long as it keeps credentials.

What is said here costs at most a new exchange, so nobody's signature is asked for.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Protocol
from uuid import UUID

from counterfoil.client.deadline import Deadline
from counterfoil.contracts import revocation_settled
from counterfoil.wire.envelope import Unreadable, decode
from counterfoil.wire.kafka import Connection, Listener

TOPIC = revocation_settled.TOPIC
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
log = logging.getLogger("counterfoil.client")


class Cache(Protocol):
    def settled(self, credential_id: UUID) -> None: ...

    def forget_all(self) -> None: ...


class News:
    def __init__(self, connection: Connection, cache: Cache) -> None:
        self._connection, self._cache = connection, cache
        self._tried = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def listening(self, deadline: Deadline) -> None:
        """Before anything is kept. Where nothing can be heard the client goes on: a 401 evicts as well."""
        if not self._tried.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(deadline.left() / 2):
                    await self._tried.wait()

    async def close(self) -> None:
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader

    async def _read(self) -> None:
        wait = FIRST_PAUSE
        while True:
            listener = Listener(self._connection, self._connection.topic(TOPIC), None)
            try:
                await self._begin(listener)
                wait = FIRST_PAUSE
                await self._follow(listener)
            except Exception as error:  # noqa: BLE001 whatever it was, it is tried again
                if wait == FIRST_PAUSE:  # once, and again after it went well
                    log.warning("revocations are not heard", extra={"error": type(error).__name__})
            finally:
                self._tried.set()
                await listener.stop()
            await asyncio.sleep(wait)
            wait = min(LONGEST_PAUSE, wait * 2)

    async def _begin(self, listener: Listener) -> None:
        await listener.start()
        if not listener.consumer.assignment():
            raise LookupError("the topic is not there, or not to be read")
        self._cache.forget_all()  # whatever was kept while nobody listened may be dead
        self._tried.set()

    async def _follow(self, listener: Listener) -> None:
        async for records in listener.batches():
            for record in records:
                with suppress(Unreadable):
                    self._cache.settled(decode(TOPIC, record.value, dict(record.headers)).credential_id)
