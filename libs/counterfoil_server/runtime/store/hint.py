"""A notification of PostgreSQL: a hint that something is there now. Whoever waits for one looks by itself too, every so often."""

import asyncio
import logging

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import AWAY, Connection, listen

log = logging.getLogger("counterfoil.store")
AGAIN = 2.0


class Hint:
    def __init__(self, dsn: Secret, channel: str) -> None:
        self._dsn, self._channel = dsn, channel
        self._heard = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Until one came since the last time, and no longer than that."""
        try:
            await asyncio.wait_for(self._heard.wait(), seconds)
        except TimeoutError:
            return
        self._heard.clear()

    async def run(self) -> None:
        """Keeps one connection that listens. What it misses in between is found by who looks anyway."""
        connection: Connection | None = None
        try:
            while True:
                if connection is None or connection.is_closed():
                    try:
                        connection = await listen(self._dsn, self._channel, self._heard.set)
                    except AWAY as error:
                        log.warning("not listening", extra={"channel": self._channel, "error": type(error).__name__})
                await asyncio.sleep(AGAIN)
        finally:
            if connection is not None:
                connection.terminate()
