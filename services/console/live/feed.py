"""One reader of the log for all browsers: it looks only while somebody does, and a browser that cannot follow is told how much it missed."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from counterfoil_server.runtime.store.database import AWAY, Pool
from services.console.audit.leaves import leaf
from services.console.live.exchanges import Exchange, Wanted, exchanges

log = logging.getLogger("counterfoil.console")
PAUSE = 0.25
MOST = 5
"""Rows that reach a screen at a time: twenty a second can be seen, a thousand cannot."""
AT_ONCE = 4000
SIZE = "SELECT size FROM audit_head"
SINCE = "SELECT idx, bytes FROM audit_leaf WHERE idx >= $1 ORDER BY idx LIMIT $2"
LAST = "SELECT idx, bytes FROM audit_leaf WHERE idx < $1 ORDER BY idx DESC LIMIT $2"


@dataclass(eq=False)
class Watcher:
    """`left_out`: what came and is not shown, since this browser began to watch."""

    wanted: Wanted
    rows: deque[Exchange] = field(default_factory=lambda: deque(maxlen=MOST))
    fresh: asyncio.Event = field(default_factory=asyncio.Event)
    seen: int = 0
    shown: int = 0

    @property
    def left_out(self) -> int:
        return self.seen - self.shown

    def give(self, found: Sequence[Exchange]) -> None:
        mine = [one for one in found if self.wanted.wants(one)]
        self.seen += len(mine)
        self.rows.extend(mine)
        if mine:
            self.fresh.set()

    async def next(self, patience: float) -> Sequence[Exchange]:
        """The newest first; nothing where nothing came for so long."""
        try:
            await asyncio.wait_for(self.fresh.wait(), patience)
        except TimeoutError:
            return []
        found = [*reversed(self.rows)]
        self.rows.clear()
        self.fresh.clear()
        self.shown += len(found)
        return found


class Feed:
    def __init__(self, db: Pool) -> None:
        self._db = db
        self._watchers: set[Watcher] = set()
        self._anybody = asyncio.Event()

    @contextmanager
    def watching(self, wanted: Wanted) -> Iterator[Watcher]:
        watcher = Watcher(wanted)
        self._watchers.add(watcher)
        self._anybody.set()
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    async def run(self) -> None:
        while True:
            self._anybody.clear()
            if not self._watchers:
                await self._anybody.wait()
            try:
                async for found in self._news():
                    for watcher in [*self._watchers]:
                        watcher.give(found)
            except AWAY as error:
                log.warning("the feed waits", extra={"error": type(error).__name__})
            await asyncio.sleep(PAUSE)

    async def _news(self) -> AsyncIterator[Sequence[Exchange]]:
        """From now on, until nobody watches."""
        at = await self._db.fetchval(SIZE) or 0
        while self._watchers:
            rows = await self._db.fetch(SINCE, at, AT_ONCE)
            at += len(rows)
            if rows:
                yield exchanges(map(leaf, rows))
            await asyncio.sleep(PAUSE)


async def last(db: Pool, wanted: Wanted, before: int | None = None, most: int = 50, looked: int = 2000) -> Sequence[Exchange]:
    """The newest first, among so many leaves: a rare one has its own page, Audit."""
    rows = await db.fetch(LAST, before if before is not None else 2**62, looked)
    return [one for one in exchanges(map(leaf, rows)) if wanted.wants(one)][:most]
