"""The counter at which PostgreSQL lends: a desk, the superuser's look behind it, and a session as whoever borrowed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import asyncpg

from services.providers import shelf
from services.providers.seam import Details, Minted
from tests.providers.desk import Desk
from tests.support.demo import Demo
from tests.support.sql import GONE

DENIED = asyncpg.InsufficientPrivilegeError
GROUP = "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = $1"


def desk_of(demo: Demo) -> Desk:
    config = {**demo.config, "scram_iterations": 1}
    return Desk(shelf.provider("postgres"), config, demo.root, frozenset({"read"}), away={**config, "port": 1})


@dataclass
class Counter:
    """The desk, and the superuser's look behind it."""

    desk: Desk
    superuser: asyncpg.Connection
    """In the database `demo`."""
    demo: Demo

    async def lent(self, *scopes: str, details: Details = (), **changes: Any) -> Minted:
        return await self.desk.mint(scopes=frozenset(scopes), details=details, **changes)

    async def sessions(self, minted: Minted) -> int:
        return int(await self.superuser.fetchval("SELECT count(*) FROM pg_stat_activity WHERE usesysid = $1", minted.handle["oid"]))

    async def roles(self, minted: Minted) -> int:
        return int(await self.superuser.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", minted.handle["role"]))

    async def group(self, minted: Minted) -> str:
        return str(await self.superuser.fetchval(GROUP, minted.handle["oid"]))

    def another(self) -> Desk:
        """As in another process: it shares the server only."""
        return replace(self.desk, provider=shelf.provider("postgres"))

    async def clear(self) -> None:
        for handle in (await self.desk.provider.alive(self.desk.config, self.desk.root)).values():
            await self.desk.provider.revoke(handle, self.desk.config, self.desk.root, None)
        await self.desk.provider.close()
        await self.superuser.close()


def parts(minted: Minted) -> dict[str, Any]:
    held: dict[str, Any] = json.loads(minted.secret.reveal())["credential"]
    return held


@asynccontextmanager
async def session(minted: Minted, **changes: Any) -> AsyncIterator[asyncpg.Connection]:
    """As whoever borrowed it: by the DSN alone."""
    connection = await asyncpg.connect(json.loads(minted.secret.reveal())["access_token"], timeout=5, **changes)
    try:
        yield connection
    finally:
        connection.terminate()


async def answers(connection: asyncpg.Connection) -> bool:
    try:
        return bool(await connection.fetchval("SELECT 1", timeout=5) == 1)
    except GONE:
        return False
