"""One reader of the log for all browsers: it looks only while somebody does, and a browser that cannot follow is told how much it missed."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from counterfoil_server.runtime.store.database import AWAY, Pool
from services.console.audit.leaves import Leaf, leaf
from services.console.live.exchanges import Begun, Exchange, Wanted, exchanges, settled

log = logging.getLogger("counterfoil.console")
PAUSE, AGAIN = 0.25, 2.0
MOST, CAUGHT_UP = 5, 20
"""Rows that reach a screen at a time, and at once after a pause: twenty a second can be seen, a thousand cannot."""
AT_ONCE, PIECE, LOOKED = 2000, 250, 1000
OPEN = 5000
"""Exchanges under way of which it is known when they began; one that never ends must not stay for ever."""
SIZE = "SELECT size FROM audit_head"
SINCE = "SELECT idx, bytes FROM audit_leaf WHERE idx >= $1 ORDER BY idx LIMIT $2"
LAST = "SELECT idx, bytes FROM audit_leaf WHERE idx < $1 ORDER BY idx DESC LIMIT $2"
LENT = """SELECT m.credential_id, m.request_id, m.connector, m.project, m.environment, m.sub_hash, r.cause
    FROM mint m LEFT JOIN revocation r USING (credential_id) WHERE m.credential_id = ANY($1::uuid[])"""


@dataclass(eq=False)
class Watcher:
    """`left_out`: what came and is not shown, since this browser began to watch. `over`: the console ends. `after`: what it has seen already."""

    wanted: Wanted
    rows: deque[Exchange] = field(default_factory=lambda: deque(maxlen=MOST))
    fresh: asyncio.Event = field(default_factory=asyncio.Event)
    seen: int = 0
    shown: int = 0
    after: int = -1
    over: bool = False

    @property
    def left_out(self) -> int:
        return self.seen - self.shown

    def give(self, found: Sequence[Exchange]) -> None:
        mine = [one for one in found if one.index > self.after and self.wanted.wants(one)]
        self.seen += len(mine)
        self.rows.extend(mine)
        if mine:
            self.fresh.set()

    def missed(self, found: Sequence[Exchange]) -> Sequence[Exchange]:
        """What came while it was not connected, the newest first: some of it is shown, the rest counted as left out."""
        if found:
            self.after = found[0].index
            given = [one for one in self.rows if one.index > self.after]
            self.seen += len(found) - (len(self.rows) - len(given))
            self.rows = deque(given, maxlen=MOST)
        self.shown += len(found[:CAUGHT_UP])
        return found[:CAUGHT_UP]

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
        self._anybody, self._reading = asyncio.Event(), asyncio.Event()

    @contextmanager
    def watching(self, wanted: Wanted) -> Iterator[Watcher]:
        watcher = Watcher(wanted)
        self._watchers.add(watcher)
        self._anybody.set()
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    async def reading(self) -> None:
        """Until it reads: what came before that is in the log already, and what comes after is its news. Not for long where the database is away."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._reading.wait(), AGAIN)

    async def run(self) -> None:
        """For ever. Cancelled, it ends every stream: a server that ends waits for them."""
        try:
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
        finally:
            for watcher in self._watchers:
                watcher.over = True
                watcher.fresh.set()

    async def _news(self) -> AsyncIterator[Sequence[Exchange]]:
        """From now on, until nobody watches."""
        at, begun = await self._db.fetchval(SIZE) or 0, Begun()
        self._reading.set()
        try:
            while self._watchers:
                rows = await self._db.fetch(SINCE, at, AT_ONCE)
                at += len(rows)
                if rows:
                    yield await read(self._db, [leaf(row) for row in rows], begun)
                    for gone in [*begun][:-OPEN]:
                        del begun[gone]
                await asyncio.sleep(PAUSE if len(rows) < AT_ONCE else 0)  # who is behind does not rest
        finally:
            self._reading.clear()


async def read(db: Pool, leaves: Sequence[Leaf], begun: Begun | None = None) -> Sequence[Exchange]:
    names = settled(leaves)
    return exchanges(leaves, {row["credential_id"]: row for row in await db.fetch(LENT, names)} if names else {}, begun)


async def last(db: Pool, wanted: Wanted, after: int = -1, most: int = 50) -> Sequence[Exchange]:
    """The newest first, of those after a leaf, among so many leaves: a rare one has its own page, Audit."""
    found: list[Exchange] = []
    before, looked = 2**62, 0
    while before > after + 1 and looked < LOOKED and len(found) < most:
        rows = await db.fetch(LAST, before, PIECE)
        if not rows:
            break
        before, looked = rows[-1]["idx"], looked + len(rows)
        found += [one for one in await read(db, [leaf(row) for row in rows if row["idx"] > after]) if wanted.wants(one)]
    return found[:most]
