"""The heartbeat row: mint pauses where audit is away, or so far behind that its answers would come too late."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime

from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.stage import Received
from services.audit import rows
from services.audit.writer import Writer

EVERY = 1.0
Place = tuple[str, int]
Unread = Callable[[], Awaitable[Collection[Place] | None]]
"""Topics and partitions with records that were not taken yet; None while that is not known."""


class Progress:
    """How far the log has come. One number per partition, whatever the log's size."""

    def __init__(self, unread: Unread, now: Clock) -> None:
        self._unread, self._now = unread, now
        self._last: dict[Place, int] = {}
        self._working: int | None = None

    def took(self, received: Sequence[Received]) -> None:
        """Before its leaves are written. A batch that fails stays taken until it, or its repeat, is appended."""
        self._working = min(one.at_ms for one in received)

    def appended(self, received: Sequence[Received]) -> None:
        self._working = None
        for one in received:
            self._last[str(one.topic), one.partition] = one.at_ms

    async def caught_up_to(self, *, appending: bool = False) -> datetime | None:
        """When the oldest fact that is no leaf yet was appended to its topic, or now. None: not known, so nothing is claimed.

        What lies unread in a partition is no older than what was last taken from it. `appending`: the taken batch is about to be in the log.
        """
        unread = await self._unread()
        if unread is None:
            return None
        known = [self._last.get(place) for place in unread]
        if not appending and self._working is not None:
            known.append(self._working)
        oldest = [at_ms for at_ms in known if at_ms is not None]
        if len(oldest) < len(known):
            return None
        return datetime.fromtimestamp(min(oldest) / 1000, UTC) if oldest else self._now()


async def beat(writer: Writer, progress: Progress, every: float = EVERY) -> None:
    """On the writer's own connection: where that is lost, so is the right to write, this raises, and the process ends."""
    while True:
        await writer.fetch(rows.HEARTBEAT, await progress.caught_up_to())
        await asyncio.sleep(every)
