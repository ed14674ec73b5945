"""One NOLOGIN group for each narrowing. Lent roles are its members: some thousand GRANTs to lent roles break a table's catalog row."""

import asyncio
import hashlib
import json
import time
from collections import defaultdict
from contextlib import suppress

import asyncpg

from counterfoil.wire.lru import Lru
from counterfoil.wire.secret import Secret
from services.providers.postgres import hands, narrowing
from services.providers.postgres.pools import Pools, Where, within
from services.providers.postgres.rights import Right
from services.providers.seam import Refused, Unavailable

MOST = 500
"""Groups per database and broker: each takes a place in the access list of its tables, and a catalog row holds some thousand."""
FRESH = 60.0
"""Seconds before a known group is looked at again: a schema may have new tables."""

EXISTS = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
COUNT = "SELECT count(*) FROM pg_roles WHERE starts_with(rolname, $1)"
# The broker and its hands are members of every group, to pass it on.
EMPTY = """
WITH me AS (SELECT oid FROM pg_roles WHERE rolname = current_user)
SELECT rolname FROM pg_roles r WHERE starts_with(rolname, $1) AND NOT EXISTS (
    SELECT FROM pg_auth_members WHERE roleid = r.oid AND member NOT IN (
        SELECT oid FROM me UNION ALL SELECT roleid FROM pg_auth_members WHERE member IN (SELECT oid FROM me)))
"""
# DROP OWNED fails on a sequence of which its caller has USAGE alone: it tries the columns too.
ON_SEQUENCES = """
SELECT format('REVOKE USAGE ON SEQUENCE %s FROM %I', objid::regclass, $1::text) FROM pg_shdepend JOIN pg_class c ON c.oid = objid
WHERE refobjid = $1::text::regrole AND classid = 'pg_class'::regclass AND relkind = 'S'
  AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def prefix(where: Where) -> str:
    return f"cf_group_{where.tag}_"


def named(where: Where, rights: frozenset[Right]) -> str:
    canonical = json.dumps(sorted(rights, key=lambda right: (right[0], right[1], right[2] or "")))
    return prefix(where) + hashlib.sha256(canonical.encode()).hexdigest()[:32]


class Groups:
    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        self._fresh: Lru[tuple[Where, str], float] = Lru(4096)
        self._making: defaultdict[Where, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ensure(self, where: Where, password: Secret, rights: frozenset[Right], until: float) -> str:
        """The group's name, once the group has exactly these rights."""
        group = named(where, rights)
        if not self._is_fresh(where, group):
            async with within(until, Unavailable), self._making[where]:
                if not self._is_fresh(where, group):
                    async with self._pools.connection(where, password, until) as connection:
                        await _make(connection, where, group, rights)
                    self._fresh.put((where, group), time.monotonic() + FRESH)
        return group

    def forget(self, where: Where, group: str) -> None:
        self._fresh.drop_where(lambda key, _: key == (where, group))

    def _is_fresh(self, where: Where, group: str) -> bool:
        return (self._fresh.get((where, group)) or 0.0) > time.monotonic()


async def _make(connection: asyncpg.Connection, where: Where, group: str, rights: frozenset[Right]) -> None:
    await narrowing.exists(connection, rights)
    if not await hands.serve(connection, where, group) or await narrowing.missing(connection, group, rights):
        await _have_lock(connection, where)
        async with connection.transaction():
            await _lock(connection, where)
            await _grant(connection, where, group, rights)
    # A GRANT of what the broker may not pass on is a mere warning: ask what came of it.
    if missing := await narrowing.missing(connection, group, rights):
        raise Refused("not_offered", f"the broker may not pass on {missing[0]['words']}")
    if await narrowing.beyond(connection, group, rights):
        raise Refused("group_beyond_asked", f"{group} has rights beyond its narrowing: drop it")


async def _grant(connection: asyncpg.Connection, where: Where, group: str, rights: frozenset[Right]) -> None:
    if not await connection.fetchval(EXISTS, group):
        if await connection.fetchval(COUNT, prefix(where)) >= MOST:
            raise Unavailable("too_many_narrowings", f"{MOST} different narrowings are alive; the sweep drops those without members")
        await connection.execute(f"CREATE ROLE {group}")
    if not await hands.serve(connection, where, group):
        await hands.take(connection, where, group)
    if missing := await narrowing.missing(connection, group, rights):
        await connection.execute(";".join(row["statement"] for row in missing))


def _named_lock(where: Where) -> str:
    return f"cf_lock_{where.tag}"


async def _have_lock(connection: asyncpg.Connection, where: Where) -> None:
    """Before the transaction that takes it: inside it a session that has looked for a role in vain goes on
    believing that there is none, though another maker has made it meanwhile.
    """
    lock = _named_lock(where)
    if not await connection.fetchval(EXISTS, lock):
        with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            await connection.execute(f"CREATE ROLE {lock}")


async def _lock(connection: asyncpg.Connection, where: Where) -> None:
    """One maker at a time, until the transaction ends: two GRANTs on one table at once fail. The lock is a membership of the broker's own,
    which PostgreSQL lets one transaction change at a time; an advisory lock could be held by any lent role, and would stop us.
    """
    await connection.execute(f"GRANT {_named_lock(where)} TO CURRENT_USER WITH INHERIT FALSE")


async def sweep(connection: asyncpg.Connection, where: Where) -> int:
    """Drop the groups without members; a mint that wanted one of them makes it again."""
    dropped = 0
    for row in await connection.fetch(EMPTY, prefix(where)):
        # One that someone else gave rights to cannot be dropped by us. It lends nothing either.
        with suppress(asyncpg.DependentObjectsStillExistError):
            dropped += await _drop(connection, where, row["rolname"])
    return dropped


async def _drop(connection: asyncpg.Connection, where: Where, group: str) -> bool:
    await _have_lock(connection, where)
    async with connection.transaction():
        await _lock(connection, where)
        # The GRANT waits for every mint that is joining, and holds off the next: look again only then.
        await connection.execute(f"GRANT {group} TO CURRENT_USER WITH INHERIT TRUE")
        if not await connection.fetch(EMPTY, group):
            return False
        for statement in await connection.fetch(ON_SEQUENCES, group):
            await connection.execute(statement[0])
        await connection.execute(f"DROP OWNED BY {group}; DROP ROLE {group}")
        return True
