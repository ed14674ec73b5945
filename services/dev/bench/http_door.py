"""Asking over HTTP with as little as possible: the same few requests, made beforehand, over connections that stay open."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode, urlsplit

import httpx

from services.dev.bench.arrivals import Ask
from services.dev.bench.tokens import fetched

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - the name of a type
LENGTH = b"content-length: "


class Refused(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Wire:
    """One connection, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def exchange(self, request: bytes) -> None:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        body = await self._reader.readexactly(length(head))
        status = head[9:12].decode()
        if status != "200" or b'"access_token"' not in body or b'"receipt"' not in body:
            raise Refused(f"HTTP {status}")

    def close(self) -> None:
        self._writer.close()


def length(head: bytes) -> int:
    start = head.lower().index(LENGTH) + len(LENGTH)
    return int(head[start : head.index(b"\r\n", start)])


def request(host: str, token: str, connector: str, lifetime: int) -> bytes:
    form = {"grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": ID_TOKEN, "audience": connector}
    body = urlencode(form | {"scope": "read", "requested_lifetime": str(lifetime)}).encode()
    head = f"POST /oauth2/token HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@asynccontextmanager
async def door(url: str, issuer: str, connector: str, tokens: int, lifetime: int, connections: int) -> AsyncIterator[Ask]:
    place = urlsplit(url)
    async with httpx.AsyncClient(trust_env=False) as http:
        asked = [request(place.netloc, token, connector, lifetime) for token in await fetched(http, issuer, url, tokens)]
    requests = itertools.cycle(asked)
    wires = [Wire(*await asyncio.open_connection(place.hostname, place.port)) for _ in range(connections)]
    free: asyncio.LifoQueue[Wire] = asyncio.LifoQueue()
    for wire in wires:
        free.put_nowait(wire)

    async def ask() -> None:
        wire = await free.get()
        try:
            await wire.exchange(next(requests))
        finally:
            free.put_nowait(wire)

    try:
        yield ask
    finally:
        for wire in wires:
            wire.close()
