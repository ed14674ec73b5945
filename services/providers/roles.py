"""A lent role: made by one statement within its window, and killed for good."""

import asyncio
from dataclasses import replace

import asyncpg

from counterfoil.wire.secret import Secret
from services.providers.pools import Pools, Where, deadline

# The window is looked at before and after: between the two lies the server's own derivation of the key, and perhaps a lock.
LEND = """DO $counterfoil$ BEGIN
IF clock_timestamp() > '{closes}' THEN RAISE SQLSTATE 'CF001'; END IF;
CREATE ROLE {name} LOGIN PASSWORD '{verifier}' VALID UNTIL '{until}' CONNECTION LIMIT {limit};
GRANT {group} TO {name} WITH INHERIT TRUE, SET FALSE;
IF clock_timestamp() > '{closes}' THEN RAISE SQLSTATE 'CF001'; END IF;
END $counterfoil$"""
LENT = """SELECT oid, ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = roleid WHERE member = r.oid) AS groups
FROM pg_roles r WHERE rolname = $1"""
# By oid: `usename` is NULL once the role is dropped. The count is of those that were still there.
END_SESSIONS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usesysid = $1"
HAND_OVER = "GRANT {name} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE; REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}"
ELSEWHERE = """SELECT DISTINCT datname FROM pg_shdepend JOIN pg_database d ON d.oid = dbid
WHERE refclassid = 'pg_authid'::regclass AND refobjid = $1 AND datname <> current_database()"""
# Of the broker's own making only: another broker's roles are another ledger's.
ALIVE = """SELECT r.oid, rolname FROM pg_roles r JOIN pg_auth_members ON roleid = r.oid AND admin_option
WHERE member = (SELECT oid FROM pg_roles WHERE rolname = current_user) AND rolname ~ '^cf_[0-9a-f]{32}$'"""


async def lend(connection: asyncpg.Connection, group: str, words: dict[str, object]) -> int | None:
    """The new role's oid; None, and no role, where its group was dropped meanwhile."""
    try:
        await connection.execute(LEND.format(group=group, **words))
    except asyncpg.UndefinedObjectError:
        return None
    made = await connection.fetchrow(LENT, words["name"])
    if made and made["groups"] == [group]:
        oid: int = made["oid"]
        return oid
    await connection.execute(f"DROP ROLE IF EXISTS {words['name']}")
    return None


async def kill(connection: asyncpg.Connection, pools: Pools, where: Where, password: Secret, name: str) -> int | None:
    """NOLOGIN, end the sessions, drop: an open session would outlive both of the others. The oid, if there was such a role."""
    oid: int | None = await connection.fetchval("SELECT oid FROM pg_roles WHERE rolname = $1", name)
    if oid is None:
        return None
    await shut(connection, name, oid)
    await end_sessions(connection, oid)
    try:
        await connection.execute(f"DROP ROLE IF EXISTS {name}")
    except asyncpg.DependentObjectsStillExistError:
        # It made things. They are not lost: the broker owns them from now on.
        await connection.execute(HAND_OVER.format(name=name))
        for row in await connection.fetch(ELSEWHERE, oid):
            async with pools.connection(replace(where, database=row["datname"]), password, deadline()) as there:
                await there.execute(HAND_OVER.format(name=name))
        await connection.execute(f"DROP ROLE IF EXISTS {name}")
    return oid


async def shut(connection: asyncpg.Connection, name: str, oid: int) -> None:
    """A session may hold its own role's row (ALTER ROLE of itself, not committed): then it is ended first."""
    while True:
        try:
            await connection.execute(f"SET LOCAL lock_timeout = 100; ALTER ROLE {name} NOLOGIN")
        except (asyncpg.LockNotAvailableError, asyncpg.InternalServerError):
            await connection.fetchval(END_SESSIONS, oid)
        else:
            return


async def end_sessions(connection: asyncpg.Connection, oid: object) -> None:
    while await connection.fetchval(END_SESSIONS, oid):  # noqa: ASYNC110  # the server tells nobody when a session is gone
        await asyncio.sleep(0.005)
