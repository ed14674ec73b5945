"""A migrated database for each module, empty for each test, and pools that act as one role."""

from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import pytest

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import Pool, connect
from counterfoil_server.runtime.store.migrate import migrate

AsRole = Callable[[str], Awaitable[Pool]]


def dsn_of(dsn: str, name: str, role: str | None = None) -> str:
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(path=f"/{name}", query="&".join(filter(None, [parts.query, f"role=counterfoil_{role}" if role else ""]))))


@pytest.fixture(scope="module")
async def database(postgres: str) -> AsyncIterator[str]:
    """Its superuser DSN."""
    name = f"registry_{uuid4().hex[:8]}"
    server = await asyncpg.connect(postgres)
    await server.execute(f"CREATE DATABASE {name}")
    owner = await asyncpg.connect(dsn_of(postgres, name))
    await migrate(owner)
    await owner.close()
    yield dsn_of(postgres, name)
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture
async def root(database: str) -> AsyncIterator[asyncpg.Connection]:
    """As the owner; every table that a change of the registry touches is as new."""
    connection = await asyncpg.connect(database)
    await connection.execute(
        "ALTER TABLE registry_change DISABLE TRIGGER registry_change_no_truncate;"
        "TRUNCATE registry_change, registry_entry, connector, block, revocation_order, service_key RESTART IDENTITY;"
        "ALTER TABLE registry_change ENABLE TRIGGER registry_change_no_truncate;"
        "UPDATE registry_head SET revision = 0"
    )
    yield connection
    await connection.close()


@pytest.fixture
async def as_role(database: str, root: asyncpg.Connection) -> AsyncIterator[AsRole]:  # noqa: ARG001 - it empties the tables
    """What the role may not do fails here too."""
    pools: list[Pool] = []

    async def opened(role: str) -> Pool:
        pools.append(await connect(Secret(dsn_of(database, urlsplit(database).path[1:], role)), name="registry-test"))
        return pools[-1]

    yield opened
    for pool in pools:
        await pool.close()


@pytest.fixture
async def gateway(as_role: AsRole) -> Pool:
    return await as_role("gateway")
