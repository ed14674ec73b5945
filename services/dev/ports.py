"""TCP ports of this machine: is one free, is one answering."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, cycle

from services.dev.trouble import Trouble

HOST = "127.0.0.1"


FIRST, LAST = 10_000, 32_000
"""Below what systems take for connections that go out (Linux from 32,768): such a port may be gone before anybody listens on it."""


def _walked() -> Iterator[int]:
    """Each process from a place of its own, so that two that run side by side seldom meet."""
    start = FIRST + os.getpid() * 997 % (LAST - FIRST)
    return cycle(chain(range(start, LAST), range(FIRST, start)))


_offered = _walked()


def free_port() -> int:
    """A port that nobody listens on now, and that no earlier call in this process was given."""
    return next(port for port in _offered if not taken(port))


def taken(port: int) -> str | None:
    """Why nobody can listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections that linger in TIME_WAIT are no listener
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error.strerror or type(error).__name__
    return None


def need_free(port: int, what: str, setting: str) -> None:
    """Refuse a taken port before a server does it in its own words."""
    if why := taken(port):
        fix = f"end the program that listens there, or choose another port: {setting}=<port>."
        raise Trouble(f"port {port} on {HOST} is taken; {what} needs it ({why})", fix)


async def answers(port: int) -> bool:
    """Does anything listen there?"""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(HOST, port), 1.0)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
