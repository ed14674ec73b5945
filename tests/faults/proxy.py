"""A TCP proxy between two parts: it delays, drops and resets as it is told. With several doors behind it, it balances like any other."""

import asyncio
import socket
import struct
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from types import TracebackType
from typing import Self

from services.dev.ports import HOST

CHUNK = 64 * 1024
AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: a close is a reset then."""
Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(eq=False)
class Link:
    """One connection, both ways. `lost`: some of it was dropped, so what comes after makes no sense."""

    here: asyncio.StreamWriter
    there: asyncio.StreamWriter
    lost: bool = False

    def reset(self) -> None:
        for writer in (self.here, self.there):
            with suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            writer.transport.abort()


@dataclass(eq=False)
class Way:
    """What is on its way to `writer`, in order, each not before its time."""

    writer: asyncio.StreamWriter
    lying: deque[tuple[float, bytes]] = field(default_factory=deque)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, due: float, data: bytes) -> None:
        self.lying.append((due, data))
        self.more.set()

    async def run(self) -> None:
        """Until it was given nothing, which is an end."""
        while True:
            while self.lying:
                due, data = self.lying.popleft()
                await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
                if not data:
                    return
                self.writer.write(data)
                await self.writer.drain()
            self.more.clear()
            await self.more.wait()


class Proxy:
    """`delay` holds up every byte by so many seconds, `dropping` lets none through and tells nobody; `fair()` ends both."""

    def __init__(self, port: int, *behind: int) -> None:
        self.port, self._behind = port, behind
        self.delay, self.dropping = 0.0, False
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = count()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, HOST, self.port)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def reset(self) -> int:
        """All that are open. How many."""
        links = list(self._links)
        for link in links:
            link.reset()
        return len(links)

    def fair(self) -> None:
        """Whoever lost something is told now, as a network that is back tells by its first packet."""
        self.delay, self.dropping = 0.0, False
        for link in [one for one in self._links if one.lost]:
            link.reset()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._joined(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._through()
        there = await self._open()
        if there is None:
            writer.transport.abort()
            return
        link = Link(writer, there[1])
        self._links.add(link)
        try:
            ways = [asyncio.create_task(self._carry(*one, link)) for one in ((reader, there[1]), (there[0], writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._links.discard(link)
            for one in (writer, there[1]):
                one.close()

    async def _open(self) -> Side | None:
        """In turn; a door that is shut is passed by."""
        first = next(self._turn)
        for number in range(len(self._behind)):
            with suppress(OSError):
                return await asyncio.open_connection(HOST, self._behind[(first + number) % len(self._behind)])
        return None

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link) -> None:
        way = Way(writer)
        writing = asyncio.create_task(way.run())
        try:
            while data := await reader.read(CHUNK):
                if self.dropping:
                    link.lost = True
                else:
                    way.put(asyncio.get_running_loop().time() + self.delay, data)
        except OSError:
            return
        finally:
            await self._through()
            way.put(0.0, b"")
            with suppress(OSError):
                await writing

    async def _through(self) -> None:
        """A beginning and an end are dropped as bytes are."""
        while self.dropping:  # noqa: ASYNC110 - whoever set it ends it
            await asyncio.sleep(0.05)
