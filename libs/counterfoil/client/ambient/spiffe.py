"""SPIFFE: a JWT-SVID of the Workload API. https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Workload_API.md."""

import asyncio
from collections.abc import Iterator
from urllib.parse import urlsplit

from counterfoil.client.ambient import http2
from counterfoil.client.ambient.source import Around, Failed, Source, unset
from counterfoil.wire.secret import Secret

SOCKET = "SPIFFE_ENDPOINT_SOCKET"
METHOD, HEADER = "/SpiffeWorkloadAPI/FetchJWTSVID", {"workload.spiffe.io": "true"}
SECONDS = 8.0
NO_ENTRY = "7"
"""PERMISSION_DENIED: the agent knows of no identity for this process."""


async def token(around: Around, audience: str) -> Secret:
    where = around.env[SOCKET]
    fix = f"is the agent running, and may this user write to its socket? {SOCKET} is unix:///path or tcp://address:port"
    try:
        async with asyncio.timeout(SECONDS):
            answer = await ask(where, field(1, audience.encode()))
    except (OSError, ValueError, http2.Broken, TimeoutError) as error:
        raise Failed(f"the Workload API at {where} did not answer: {error or type(error).__name__}", fix) from None
    if answer.status != "0":
        entry = "register this workload with the SPIFFE server (spire-server entry create ...): no entry fits this process"
        raise Failed(f"the Workload API answered gRPC status {answer.status}", entry if answer.status == NO_ENTRY else fix)
    return first_svid(answer.message)


async def ask(where: str, message: bytes) -> http2.Answer:
    parts = urlsplit(where)
    if parts.scheme == "unix":
        reader, writer = await asyncio.open_unix_connection(parts.path or where.removeprefix("unix:"))
    elif parts.scheme == "tcp" and parts.hostname and parts.port:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    else:
        raise ValueError("no address")
    try:
        return await http2.unary(reader, writer, METHOD, HEADER, message)
    finally:
        writer.close()


def first_svid(message: bytes) -> Secret:
    """JWTSVIDResponse: of `svids` (1) the first, which the standard calls the default; of it `svid` (2)."""
    try:
        svid = next(value for number, value in fields(message) if number == 1)
        return Secret(next(value for number, value in fields(svid) if number == 2))
    except (StopIteration, IndexError):
        pass
    raise Failed("the Workload API answered without a JWT-SVID", "does the agent's server issue JWT-SVIDs?")


def field(number: int, value: bytes) -> bytes:
    """A length-delimited field of protobuf."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    more, low = divmod(value, 128)
    return bytes([low | 0x80]) + varint(more) if more else bytes([low])


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited ones, which are all that these messages have. IndexError where it is cut short."""
    at = 0
    while at < len(message):
        key, at = read_varint(message, at)
        size, at = read_varint(message, at)
        if key & 7 != 2 or at + size > len(message):
            raise IndexError
        yield key >> 3, message[at : at + size]
        at += size


def read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 35, 7):
        byte = message[at + shift // 7]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + shift // 7 + 1
    raise IndexError


SOURCES = (Source("SPIFFE", lambda around: unset(around, SOCKET), token),)
