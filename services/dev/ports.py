"""TCP ports of this machine: is one free, is one answering."""

import asyncio
import socket
from contextlib import suppress

from services.dev.trouble import Trouble

HOST = "127.0.0.1"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


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
