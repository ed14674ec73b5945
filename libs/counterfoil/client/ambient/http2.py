"""One gRPC call over HTTP/2, by hand: RFC 9113 and https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md.

Enough for a small question to a trusted agent on this machine, and no more. Header tables are switched off, so of the answer's headers only
`grpc-status` has to be found. What goes beyond one window (64 KiB) is refused.
"""

import asyncio
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
ACK = END_STREAM = 0x1
END_HEADERS, PADDED, PRIORITY = 0x4, 0x8, 0x20
NO_TABLE_NO_PUSH = struct.pack(">HIHI", 1, 0, 2, 0)
LARGEST_FRAME, WINDOW = 16384, 65535
STATUS = (b"grpc-status", bytes.fromhex("9acac8b21234da8f"))
"""In clear, and in the Huffman code of RFC 7541, which every server may choose."""


class Broken(Exception):
    """This is no gRPC, or it ended too early."""


@dataclass
class Answer:
    message: bytes = b""
    status: str | None = None
    body: bytearray = field(default_factory=bytearray)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name: str, value: str) -> bytes:
    """A field that is kept in no table. Names and values of ours are short."""
    if max(len(name), len(value)) > 126:
        raise Broken("a header is too long")
    return b"".join((b"\x00", bytes([len(name)]), name.encode(), bytes([len(value)]), value.encode()))


async def unary(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, metadata: Mapping[str, str], message: bytes
) -> Answer:  # fmt: skip
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost", "content-type": "application/grpc", "te": "trailers"}
    block = b"".join(literal(name, value) for name, value in {**fields, **metadata}.items())
    prefixed = struct.pack(">BI", 0, len(message)) + message
    writer.write(PREFACE + frame(SETTINGS, 0, 0, NO_TABLE_NO_PUSH) + frame(HEADERS, END_HEADERS, 1, block) + frame(DATA, END_STREAM, 1, prefixed))
    await writer.drain()
    answer = Answer()
    while not await step(reader, writer, answer):
        pass
    if len(answer.body) >= 5:
        compressed, size = struct.unpack(">BI", answer.body[:5])
        if compressed or size != len(answer.body) - 5:
            raise Broken("the answer is not one message")
        answer.message = bytes(answer.body[5:])
    return answer


async def step(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> bool:
    """Reads one frame. True where it ends our stream."""
    try:
        head = await reader.readexactly(9)
        size, kind, flags, stream = int.from_bytes(head[:3]), head[3], head[4], int.from_bytes(head[5:]) & 0x7FFFFFFF
        if size > LARGEST_FRAME:
            raise Broken("a frame is too large")
        payload = await reader.readexactly(size)
    except asyncio.IncompleteReadError:
        raise Broken("it hung up") from None
    if kind in (SETTINGS, PING) and not flags & ACK:
        writer.write(frame(kind, ACK, 0, payload if kind == PING else b""))
        await writer.drain()
    elif kind == GOAWAY or (kind == RST_STREAM and stream == 1):
        raise Broken("it refused the call")
    elif stream == 1 and kind in (DATA, HEADERS, CONTINUATION):
        take(answer, kind, without_padding(kind, flags, payload))
        return bool(flags & END_STREAM) and kind != CONTINUATION
    return False


def take(answer: Answer, kind: int, payload: bytes) -> None:
    if kind == DATA:
        answer.body += payload
        if len(answer.body) > WINDOW:
            raise Broken("the answer is too large")
    else:
        answer.status = status(payload) or answer.status


def without_padding(kind: int, flags: int, payload: bytes) -> bytes:
    if kind == CONTINUATION or not flags & (PADDED | PRIORITY):
        return payload
    pad = payload[0] if flags & PADDED else 0
    start = bool(flags & PADDED) + (5 if kind == HEADERS and flags & PRIORITY else 0)
    return payload[start : len(payload) - pad]


def status(block: bytes) -> str | None:
    """`grpc-status` of a header block, where it stands in digits."""
    for name in STATUS:
        _, found, rest = block.partition(name)
        if found and rest and rest[0] < 0x80:
            value = rest[1 : 1 + rest[0]]
            return value.decode("ascii", "replace") if value.isdigit() else None
    return None
