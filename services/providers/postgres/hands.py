"""The broker's hands: NOLOGIN roles that make and drop lent roles for it.

Whoever makes a role is its administrator from then on, and PostgreSQL walks through everything that a role administers whenever that role
grants, alters or drops one: 8 µs for each, every time. With the broker alone a mint takes 80 ms once 10,000 credentials are alive; with
64 hands each walks through a 64th.
"""

import secrets

import asyncpg

from services.providers.postgres.pools import Where

HOW_MANY = 64
MADE = "SELECT count(*) FROM pg_roles WHERE starts_with(rolname, $1)"
SERVING = """SELECT count(*) FROM pg_auth_members m JOIN pg_roles g ON g.oid = roleid AND g.rolname = $2
JOIN pg_roles h ON h.oid = member AND starts_with(h.rolname, $1) WHERE admin_option"""
MAKE = """DO $$ BEGIN CREATE ROLE {0} CREATEROLE; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT {0} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE"""


def prefix(where: Where) -> str:
    return f"cf_hand_{where.tag}_"


def names(where: Where) -> list[str]:
    return [f"{prefix(where)}{number}" for number in range(HOW_MANY)]


async def serve(connection: asyncpg.Connection, where: Where, group: str) -> bool:
    """Whether the group is there, and every hand can pass it on."""
    return bool(await connection.fetchval(SERVING, prefix(where), group) == HOW_MANY)


async def take(connection: asyncpg.Connection, where: Where, group: str) -> None:
    """From now on they can; for one transaction at a time."""
    hands = names(where)
    if await connection.fetchval(MADE, prefix(where)) < HOW_MANY:
        await connection.execute(";".join(MAKE.format(hand) for hand in hands))
    await connection.execute(f"GRANT {group} TO {', '.join(hands)} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")


async def become_one(connection: asyncpg.Connection, where: Where) -> None:
    """For as long as the connection lives: SET ROLE itself walks through all that the broker can reach."""
    await connection.execute(f"SET ROLE {secrets.choice(names(where))}")
