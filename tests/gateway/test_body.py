"""Bodies that are too large or too slow, at a real server on a real port."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from counterfoil_server.runtime import health
from services.gateway import body, limits
from services.gateway.limits import Limited
from tests.gateway.conftest import Town

HEAD = b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture
async def port(gateway: Town) -> AsyncIterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = health.server(gateway.app, "127.0.0.1", 0)
    server.config.http = Limited
    task = asyncio.create_task(server.serve([listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    await task


async def test_fifty_megabytes_are_refused_before_they_are_read(port: int):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"Content-Length: 52428800\r\n\r\n")

    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)

    assert head.startswith(b"HTTP/1.1 413 ")
    writer.close()


async def test_a_caller_who_sends_them_all_the_same_can_read_the_refusal(port: int):
    async with httpx.AsyncClient(timeout=30) as http:
        answer = await http.post(f"http://127.0.0.1:{port}/oauth2/token", content=b"a" * 50_000_000, headers=FORM_TYPE)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

        answer = await http.post(f"http://127.0.0.1:{port}/oauth2/token", content=chunks(), headers=FORM_TYPE)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_body_that_does_not_arrive_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(body.read, "__defaults__", (0.05,))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"Content-Length: 100\r\n\r\ngrant")

    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)

    assert head.startswith(b"HTTP/1.1 408 ")
    writer.close()


async def head_of(port: int, said: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    writer.close()
    return head


async def test_a_head_without_end_is_given_up_by_size_and_by_time(port: int, monkeypatch: pytest.MonkeyPatch):
    many, long = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 90) for n in range(800)), b"X-Long: " + b"a" * 70_000
    for said in (b"GET / HTTP/1.1\r\n" + many, b"GET / HTTP/1.1\r\n" + long, b"GET /" + b"a" * 70_000):
        assert (await head_of(port, said)).startswith(b"HTTP/1.1 431 ")
    monkeypatch.setattr(limits, "PATIENCE", 0.05)
    for said in (b"", b"GET / HTTP/1.1\r\nX-Slow: a"):
        assert (await head_of(port, said)).startswith(b"HTTP/1.1 408 ")


async def test_who_keeps_a_connection_may_ask_again_on_it(port: int, monkeypatch: pytest.MonkeyPatch):
    """As it pauses for longer than a request may take to arrive."""
    monkeypatch.setattr(limits, "PATIENCE", 1.0)
    async with httpx.AsyncClient() as http:
        for _ in range(3):
            assert (await http.get(f"http://127.0.0.1:{port}/.well-known/counterfoil")).status_code == 200
            await asyncio.sleep(1.1)


async def test_the_next_caller_is_served(port: int):
    await test_fifty_megabytes_are_refused_before_they_are_read(port)

    async with httpx.AsyncClient() as http:
        assert (await http.get(f"http://127.0.0.1:{port}/.well-known/counterfoil")).status_code == 200


FORM_TYPE = {"content-type": "application/x-www-form-urlencoded"}


async def chunks() -> AsyncIterator[bytes]:
    for _ in range(50):
        yield b"a" * 1_000_000
