"""The door and the reader behind it, in one process: the door opens when replies can be heard, and the reader stays until the door is shut."""

import asyncio
from collections.abc import Awaitable, Callable

from counterfoil.wire.kafka import Listener
from counterfoil_server.runtime.health import Server
from services.gateway.handed import Handed
from services.gateway.replies import Replies
from services.gateway.settled import Settled
from services.gateway.undelivered import Undelivered

LOOK_BACK = 10_000
"""Records before `handed` that are read again at start: audit may send a reply twice, and what was handed over stays handed over."""


class Listening:
    def __init__(self, listener: Listener, replies: Replies, handed: Handed, undelivered: Undelivered) -> None:
        self._listener, self._replies, self._handed, self._undelivered = listener, replies, handed, undelivered

    async def start(self) -> None:
        """From where this instance was; a new one begins now, and says so before anyone can ask it."""
        last = await self._handed.last()
        await self._listener.start(None if last is None else max(0, last - LOOK_BACK))
        end = await self._listener.end()
        self._replies.since = end if last is None else min(last, end)
        self._handed.read(self._replies.since)
        await self._handed.save()

    async def run(self) -> None:
        async for records in self._listener.batches():
            await self._replies.on_batch(records)

    async def stop(self) -> None:
        await self._listener.stop()
        await self._undelivered.flush()
        await self._handed.save()


async def endings(listener: Listener, settled: Settled) -> None:
    async for records in listener.batches():
        await settled.on_batch(records)


async def behind_a_door(server: Server, reader: Callable[[], Awaitable[None]]) -> None:
    """Until cancelled, or until one of the two fails."""
    reading = asyncio.ensure_future(reader())
    serving = asyncio.create_task(server.serve())
    try:
        done, _ = await asyncio.wait({reading, serving}, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
        raise RuntimeError("the door shut by itself")
    finally:
        server.should_exit = True
        await asyncio.wait({serving})
        reading.cancel()
