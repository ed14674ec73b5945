"""Servers that the settings name instead of our own: looked at before anything rests on them."""

import asyncpg

from counterfoil.wire import kafka_topics
from counterfoil.wire.kafka import Connection
from services.dev.trouble import Trouble, told

AWAY = (OSError, TimeoutError, ValueError, OverflowError, asyncpg.PostgresError, asyncpg.InterfaceError)
POSTGRES = "COUNTERFOIL_POSTGRES should be the DSN of a superuser of a PostgreSQL >= 16: postgresql://user:password@host:5432/postgres"
KAFKA = "COUNTERFOIL_KAFKA should be host:port of a Kafka >= 3.9; COUNTERFOIL_KAFKA_USERNAME, _PASSWORD, _TLS and _CA are the way in, if it wants one"
OLDEST = 160_000


async def postgres(dsn: str) -> None:
    """Raises Trouble, which does not quote the DSN."""
    with told("the PostgreSQL of COUNTERFOIL_POSTGRES cannot be used", POSTGRES, *AWAY):
        server = await asyncpg.connect(dsn, timeout=10)
        try:
            version = int(await server.fetchval("SHOW server_version_num"))
            able = bool(await server.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))
        finally:
            await server.close()
    if version < OLDEST:
        raise Trouble(f"the PostgreSQL of COUNTERFOIL_POSTGRES is version {version // 10_000}", POSTGRES)
    if not able:
        raise Trouble("the user of COUNTERFOIL_POSTGRES is no superuser: it has to make databases and roles", POSTGRES)


async def kafka(connection: Connection) -> None:
    """Raises Trouble."""
    with told("COUNTERFOIL_KAFKA cannot be used", KAFKA, ValueError):
        answered = await kafka_topics.answers(connection)
    if not answered:
        raise Trouble(f"no Kafka answers at {connection.servers}", KAFKA)
