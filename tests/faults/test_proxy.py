"""The proxy that stands between parts: what it passes on, holds up, loses and resets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.dev.ports import HOST, free_port
from tests.faults.proxy import Proxy


@asynccontextmanager
async def echo(port: int, sign: bytes = b"") -> AsyncIterator[None]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(sign + data)
        writer.close()

    server = await asyncio.start_server(answer, HOST, port)
    try:
        yield
    finally:
        server.close()


@pytest.fixture(name="proxy")
async def standing_before_an_echo() -> AsyncIterator[Proxy]:
    port = free_port()
    async with echo(port), Proxy(free_port(), port) as made:
        yield made


async def said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: bytes, within: float = 5.0) -> bytes:
    writer.write(text)
    return await asyncio.wait_for(reader.read(100), within)


async def test_it_passes_on_what_is_said_and_the_end_of_it(proxy: Proxy):
    reader, writer = await asyncio.open_connection(HOST, proxy.port)

    assert await said(reader, writer, b"one") == b"one"
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_it_holds_up_what_is_said_and_keeps_its_order(proxy: Proxy):
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    proxy.delay, began = 0.2, asyncio.get_running_loop().time()
    writer.write(b"one")
    await asyncio.sleep(0.05)
    proxy.delay = 0.1
    writer.write(b"two")

    assert await asyncio.wait_for(reader.readexactly(6), 5) == b"onetwo"
    assert asyncio.get_running_loop().time() - began >= 0.3


async def test_what_it_drops_is_lost_and_told_when_it_is_over(proxy: Proxy):
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    assert await said(reader, writer, b"one") == b"one"
    proxy.dropping = True
    with pytest.raises(TimeoutError):
        await said(reader, writer, b"two", 0.2)
    late = asyncio.create_task(said(*await asyncio.open_connection(HOST, proxy.port), b"new"))
    proxy.fair()

    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(100), 5)
    assert await late == b"new"


async def test_it_resets_what_is_open_and_takes_what_comes(proxy: Proxy):
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    assert await said(reader, writer, b"one") == b"one"

    assert proxy.reset() == 1
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(100), 5)
    assert await said(*await asyncio.open_connection(HOST, proxy.port), b"two") == b"two"


async def test_it_balances_and_passes_by_a_door_that_is_shut():
    first, second, shut = free_port(), free_port(), free_port()
    async with echo(first, b"1"), echo(second, b"2"), Proxy(free_port(), first, second, shut) as proxy:
        answers = [await said(*await asyncio.open_connection(HOST, proxy.port), b".") for _ in range(6)]

    assert answers == [b"1.", b"2.", b"1.", b"1.", b"2.", b"1."]


async def test_with_every_door_shut_it_shuts_too():
    async with Proxy(free_port(), free_port()) as proxy:
        reader, _ = await asyncio.open_connection(HOST, proxy.port)
        with pytest.raises((ConnectionError, AssertionError)):
            assert await asyncio.wait_for(reader.read(), 5)
