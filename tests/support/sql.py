"""One question, one connection."""

import asyncpg

GONE = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What a session says when the server has ended it, whatever asyncpg was doing then."""


async def ask(dsn: str, query: str) -> object:
    """The first value of the answer."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def run(dsn: str, statement: str) -> None:
    """One statement, or several without arguments."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def ended(session: asyncpg.Connection) -> bool:
    """Whether the server has ended it."""
    try:
        await session.fetchval("SELECT 1")
    except GONE:
        return True
    return False
