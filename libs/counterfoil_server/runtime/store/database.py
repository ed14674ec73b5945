"""PostgreSQL, as every process uses it."""

import json
from typing import Any, TypeAlias

import asyncpg

from counterfoil.wire.secret import Secret

Pool: TypeAlias = asyncpg.Pool
Connection: TypeAlias = asyncpg.Connection

# The last is what asyncpg raises for a connection that was ended between two statements.
AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a loop waits out."""

IDLE_IN_TRANSACTION_MS = 200
"""A paused process must hold up no fence: its locks go after this."""


async def prepare(connection: Any) -> None:
    """JSON columns are Python objects."""
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _as_it_is(_connection: Any) -> None:
    """An open transaction is rolled back before this. No session state of ours needs a reset, which would be one more round trip for every use."""


async def connect(dsn: Secret, *, name: str, least: int = 1, most: int = 4) -> Pool:
    """A pool whose connections let go of their locks when their process is paused. The pool's own errors never quote the DSN."""
    pool: Pool = await asyncpg.create_pool(
        dsn.text(),
        min_size=least,
        max_size=most,
        init=prepare,
        reset=_as_it_is,
        command_timeout=10,
        max_inactive_connection_lifetime=0,
        server_settings={
            "application_name": f"counterfoil-{name}",
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
            "default_transaction_isolation": "read committed",
            "jit": "off",
        },
    )
    return pool


async def answers(db: Pool) -> bool:
    """What /readyz asks of a process's database."""
    try:
        return bool(await db.fetchval("SELECT true", timeout=2))
    except Exception:  # noqa: BLE001 - whatever it is, we are not ready
        return False


async def listen(dsn: Secret, channel: str, heard: Any) -> Connection:
    """A connection of its own that calls `heard()` on each notification. The caller closes it."""
    connection = await asyncpg.connect(dsn.text(), timeout=5)
    await connection.add_listener(channel, lambda *_: heard())
    return connection
