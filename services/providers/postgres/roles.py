"""A lent role: made by one statement within its window, and killed for good."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import asyncpg

from counterfoil.wire.secret import Secret
from services.providers.postgres.pools import Pools, Where, deadline
from services.providers.seam import Unavailable

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
END_SESSIONS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usesysid = ANY($1::oid[])"
# And the hand that made it.
FIND = """SELECT oid, (SELECT member::regrole::text FROM pg_auth_members WHERE roleid = r.oid AND admin_option LIMIT 1) AS hand
FROM pg_roles r WHERE rolname = $1"""
INHERIT = "SET LOCAL ROLE {hand}; GRANT {name} TO SESSION_USER WITH INHERIT TRUE, SET TRUE"
HAND_OVER = "REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}"
ELSEWHERE = """SELECT DISTINCT datname FROM pg_shdepend JOIN pg_database d ON d.oid = dbid
WHERE refclassid = 'pg_authid'::regclass AND refobjid = $1 AND datname <> current_database()"""
# Of the broker's own making only, by its hands: another broker's roles are another ledger's.
ALIVE = """SELECT DISTINCT r.oid, r.rolname FROM pg_roles r JOIN pg_auth_members made ON made.roleid = r.oid AND made.admin_option
JOIN pg_auth_members hand ON hand.roleid = made.member JOIN pg_roles me ON me.oid = hand.member AND me.rolname = current_user
WHERE r.rolname ~ '^cf_[0-9a-f]{32}$'"""


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


@dataclass(frozen=True, slots=True)
class Lent:
    name: str
    oid: int
    hand: str


async def find(connection: asyncpg.Connection, name: str) -> Lent | None:
    found = await connection.fetchrow(FIND, name)
    return Lent(name, found["oid"], found["hand"] or "NONE") if found else None


async def kill(connection: asyncpg.Connection, all_of_one_hand: Sequence[Lent]) -> None:
    """NOLOGIN, end the sessions, drop: an open session would outlive both of the others. Then look whether it is so."""
    hand, names, oids = all_of_one_hand[0].hand, [one.name for one in all_of_one_hand], [one.oid for one in all_of_one_hand]
    await _shut(connection, hand, names, oids)
    await end_sessions(connection, oids)
    await connection.execute(f"SET LOCAL ROLE {hand}; DROP ROLE IF EXISTS {', '.join(names)}")
    # Who was let in just before NOLOGIN may only now be seen.
    await end_sessions(connection, oids)
    if await connection.fetchval("SELECT count(*) FROM pg_roles WHERE oid = ANY($1)", oids):
        raise Unavailable("still_there", "the role is still there")


async def kill_an_owner(connection: asyncpg.Connection, pools: Pools, where: Where, password: Secret, lent: Lent) -> None:
    """As `kill`; where it made things, they are not lost: the broker owns them from now on."""
    try:
        await kill(connection, [lent])
    except asyncpg.DependentObjectsStillExistError:
        await connection.execute(INHERIT.format(name=lent.name, hand=lent.hand))
        await connection.execute(HAND_OVER.format(name=lent.name))
        for row in await connection.fetch(ELSEWHERE, lent.oid):
            async with pools.connection(replace(where, database=row["datname"]), password, deadline()) as there:
                await there.execute(HAND_OVER.format(name=lent.name))
        await kill(connection, [lent])


async def _shut(connection: asyncpg.Connection, hand: str, names: Sequence[str], oids: Sequence[int]) -> None:
    """A session may hold its own role's row (ALTER ROLE of itself, not committed): then it is ended first."""
    alter = ";".join(f"ALTER ROLE {name} NOLOGIN" for name in names)
    while True:
        try:
            await connection.execute(f"SET LOCAL lock_timeout = 100; SET LOCAL ROLE {hand}; {alter}")
        except (asyncpg.LockNotAvailableError, asyncpg.InternalServerError):
            await connection.fetchval(END_SESSIONS, oids)
        else:
            return


async def end_sessions(connection: asyncpg.Connection, oids: Sequence[int]) -> None:
    while await connection.fetchval(END_SESSIONS, oids):  # noqa: ASYNC110  # the server tells nobody when a session is gone
        await asyncio.sleep(0.005)
