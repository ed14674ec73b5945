"""One NOLOGIN group for each narrowing. Lent roles are its members: some thousand GRANTs to lent roles break a table's catalog row."""

import asyncio
import hashlib
import json
import time
from collections import defaultdict
from contextlib import suppress

import asyncpg

from counterfoil.wire.lru import Lru
from services.providers.pools import Where, within
from services.providers.rights import Right
from services.providers.seam import Refused, Unavailable

MOST = 500
"""Groups per database and broker: each takes a place in the access list of its tables, and a catalog row holds some thousand."""
FRESH = 60.0
"""Seconds before a known group is looked at again: a schema may have new tables."""

WANTED = """
WITH wish(action, nsp, rel) AS (SELECT * FROM unnest($2::text[], $3::text[], $4::text[])),
need(action, privilege) AS (VALUES ('read', 'SELECT'), ('write', 'INSERT'), ('write', 'UPDATE'), ('write', 'DELETE')),
relation AS (
    SELECT DISTINCT c.oid, format('%I.%I', n.nspname, c.relname) AS name, privilege
    FROM wish JOIN need USING (action) JOIN pg_namespace n ON n.nspname = nsp JOIN pg_class c ON c.relnamespace = n.oid
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
      AND (relname = rel OR rel IS NULL AND has_table_privilege(c.oid, privilege || ' WITH GRANT OPTION'))),
wanted(kind, class, oid, name, privilege) AS (
    SELECT 'TABLE', 'pg_class'::regclass, oid, name, privilege FROM relation
    UNION ALL
    SELECT DISTINCT 'SEQUENCE', 'pg_class'::regclass, s.oid, format('%I.%I', n.nspname, s.relname), 'USAGE'
    FROM relation JOIN pg_depend d ON refobjid = relation.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'a'
    JOIN pg_class s ON s.oid = objid JOIN pg_namespace n ON n.oid = s.relnamespace
    WHERE privilege = 'INSERT' AND CASE WHEN s.relkind = 'S' THEN has_sequence_privilege(s.oid, 'USAGE WITH GRANT OPTION') END
    UNION ALL
    SELECT DISTINCT 'SCHEMA', 'pg_namespace'::regclass, oid, quote_ident(nspname), 'USAGE' FROM pg_namespace JOIN wish ON nspname = nsp
    UNION ALL
    SELECT 'DATABASE', 'pg_database'::regclass, oid, quote_ident(datname), 'CONNECT' FROM pg_database WHERE datname = current_database())
"""
MISSING = (
    WANTED
    + """
SELECT privilege || ' on ' || name AS words, format('GRANT %s ON %s %s TO %I', privilege, kind, name, $1::text) AS statement
FROM wanted WHERE NOT CASE kind
    WHEN 'TABLE' THEN has_table_privilege($1::name, oid, privilege)
    WHEN 'SEQUENCE' THEN has_sequence_privilege($1::name, oid, privilege)
    WHEN 'SCHEMA' THEN has_schema_privilege($1::name, oid, privilege)
    ELSE has_database_privilege($1::name, oid, privilege) END
"""
)
BEYOND = (
    WANTED  # noqa: S608  # two constants
    + """
SELECT EXISTS (SELECT FROM pg_auth_members WHERE member = $1::text::regrole) OR EXISTS (
    SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = $1::text::regrole
      AND classid <> 'pg_auth_members'::regclass AND (objsubid <> 0 OR (classid, objid) NOT IN (SELECT class, oid FROM wanted))) OR EXISTS (
    SELECT FROM (SELECT oid, relacl AS acl FROM pg_class UNION ALL SELECT oid, nspacl FROM pg_namespace UNION ALL SELECT oid, datacl FROM pg_database)
    held, aclexplode(acl) a WHERE held.oid IN (SELECT oid FROM wanted) AND a.grantee = $1::text::regrole
      AND (held.oid, a.privilege_type) NOT IN (SELECT oid, privilege FROM wanted))
"""
)
UNKNOWN = """
SELECT nsp, rel FROM unnest($1::text[], $2::text[]) AS wish(nsp, rel) LEFT JOIN pg_namespace n ON n.nspname = nsp
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND relname = rel AND relkind IN ('r', 'p', 'v', 'm', 'f')
WHERE n.oid IS NULL OR rel IS NOT NULL AND c.oid IS NULL LIMIT 1
"""
EMPTY = """
SELECT rolname FROM pg_roles r WHERE starts_with(rolname, $1) AND NOT EXISTS (
    SELECT FROM pg_auth_members WHERE roleid = r.oid AND member <> (SELECT oid FROM pg_roles WHERE rolname = current_user))
"""
# DROP OWNED fails on a sequence of which its caller has USAGE alone: it tries the columns too.
ON_SEQUENCES = """
SELECT format('REVOKE USAGE ON SEQUENCE %s FROM %I', objid::regclass, $1::text) FROM pg_shdepend JOIN pg_class c ON c.oid = objid
WHERE refobjid = $1::text::regrole AND classid = 'pg_class'::regclass AND relkind = 'S'
  AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def place(where: Where) -> str:
    """Two brokers, or two databases, never share a group: each may pass on other rights."""
    return "cf_group_" + hashlib.sha256(f"{where.broker}\0{where.database}".encode()).hexdigest()[:8] + "_"


def named(where: Where, rights: frozenset[Right]) -> str:
    canonical = json.dumps(sorted(rights, key=lambda right: (right[0], right[1], right[2] or "")))
    return place(where) + hashlib.sha256(canonical.encode()).hexdigest()[:32]


class Groups:
    def __init__(self) -> None:
        self._fresh: Lru[tuple[Where, str], float] = Lru(4096)
        self._making: defaultdict[Where, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def ensure(self, connection: asyncpg.Connection, where: Where, rights: frozenset[Right], until: float) -> str:
        """The group's name, once the group has exactly these rights."""
        group = named(where, rights)
        if (self._fresh.get((where, group)) or 0.0) < time.monotonic():
            async with within(until, Unavailable), self._making[where]:
                if (self._fresh.get((where, group)) or 0.0) < time.monotonic():
                    await _make(connection, where, group, rights)
                    self._fresh.put((where, group), time.monotonic() + FRESH)
        return group

    def forget(self, where: Where, group: str) -> None:
        self._fresh.drop_where(lambda key, _: key == (where, group))


async def _make(connection: asyncpg.Connection, where: Where, group: str, rights: frozenset[Right]) -> None:
    actions, schemas, tables = (list(column) for column in zip(*sorted(rights, key=str), strict=True))
    if unknown := await connection.fetchrow(UNKNOWN, schemas, tables):
        raise Refused("unknown_table", f"there is no {'.'.join(filter(None, unknown))}")
    async with connection.transaction():
        await _lock(connection, where)
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", group):
            if await connection.fetchval("SELECT count(*) FROM pg_roles WHERE starts_with(rolname, $1)", place(where)) >= MOST:
                raise Unavailable("too_many_narrowings", f"{MOST} different narrowings are alive; the sweep drops those without members")
            await connection.execute(f"CREATE ROLE {group} NOLOGIN")
        if missing := await connection.fetch(MISSING, group, actions, schemas, tables):
            await connection.execute(";".join(row["statement"] for row in missing))
        # A GRANT of what the broker may not pass on is a mere warning: ask what came of it.
        if missing := await connection.fetch(MISSING, group, actions, schemas, tables):
            raise Refused("not_offered", f"the broker may not pass on {missing[0]['words']}")
        if await connection.fetchval(BEYOND, group, actions, schemas, tables):
            raise Refused("group_beyond_asked", f"{group} has rights beyond its narrowing: drop it")


async def _lock(connection: asyncpg.Connection, where: Where) -> None:
    """One maker at a time, until the transaction ends: two GRANTs on one table at once fail. The lock is a membership of the broker's own,
    which PostgreSQL lets one transaction change at a time; an advisory lock could be held by any lent role, and would stop us.
    """
    lock = "cf_lock_" + place(where)[9:17]
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", lock):
        with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            async with connection.transaction():
                await connection.execute(f"CREATE ROLE {lock} NOLOGIN")
    await connection.execute(f"GRANT {lock} TO CURRENT_USER WITH INHERIT FALSE")


async def sweep(connection: asyncpg.Connection, where: Where) -> int:
    """Drop the groups without members; a mint that wanted one of them makes it again."""
    dropped = 0
    for row in await connection.fetch(EMPTY, place(where)):
        # One that someone else gave rights to cannot be dropped by us. It lends nothing either.
        with suppress(asyncpg.DependentObjectsStillExistError):
            dropped += await _drop(connection, where, row["rolname"])
    return dropped


async def _drop(connection: asyncpg.Connection, where: Where, group: str) -> bool:
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
