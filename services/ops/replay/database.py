"""The audit log in PostgreSQL, read page by page: no transaction stays open, so a long replay holds up no vacuum and no fence."""

from collections.abc import AsyncIterator, Collection
from typing import Any
from uuid import UUID

import asyncpg

from counterfoil.contracts.base import named
from counterfoil.wire.secret import Secret
from counterfoil_server.replay.source import EVERYTHING, PART, Text, Window
from counterfoil_server.runtime.store.database import Connection, prepare

PAGE = "SELECT idx, bytes FROM audit_leaf WHERE idx >= $1 AND idx < $2 ORDER BY idx LIMIT $3"
BY_ID = "SELECT idx, bytes FROM audit_leaf WHERE fact_id = ANY($1::uuid[]) ORDER BY idx"
SIZE = "SELECT coalesce(max(idx) + 1, 0) FROM audit_leaf"
REVISIONS = 2048


class Database:
    """Ends where the log ended when reading began: a log that grows is read to an end, too."""

    first = 0

    def __init__(self, db: Connection) -> None:
        self.db = db
        self.done = 0.0

    async def parts(self, window: Window = EVERYTHING) -> AsyncIterator[list[Text]]:
        size, at = int(await self.db.fetchval(SIZE)), window.first
        while rows := await self.db.fetch(PAGE, at, size, PART):
            at = rows[-1]["idx"] + 1
            self.done = at / size
            if part := window.of([(row["idx"], row["bytes"]) for row in rows]):
                yield part

    async def changes(self) -> list[Text]:
        """A change's id follows from its revision, and revisions have no gaps: nothing but the log itself is asked."""
        found: list[Text] = []
        revision, more = 1, True
        while more:
            rows = await self._by_id([named("registry", str(one)) for one in range(revision, revision + REVISIONS)])
            found, revision, more = [*found, *rows], revision + REVISIONS, bool(rows)
        return sorted(found)

    async def facts(self, ids: Collection[UUID]) -> list[Text]:
        return await self._by_id(list(ids))

    async def _by_id(self, ids: list[UUID]) -> list[Text]:
        return [(row["idx"], row["bytes"]) for row in await self.db.fetch(BY_ID, ids)]


async def opened(dsn: Secret) -> Connection:
    """The caller closes it. The DSN holds a password, and no error quotes it."""
    db: Any = await asyncpg.connect(dsn.text(), timeout=10, server_settings={"application_name": "counterfoil-replay"})
    await prepare(db)
    return db
