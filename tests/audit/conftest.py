"""A database for each module here, in which the stage has no more rights than in production."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from counterfoil_server.runtime.store.migrate import migrate
from services.dev.postgres import Postgres, superuser_dsn
from tests.audit.house import House
from tests.support.parts import password

PASSWORD = password("audit")


@pytest.fixture(scope="module")
async def owner(postgres_server: Postgres, request: pytest.FixtureRequest) -> AsyncIterator[asyncpg.Connection]:
    """The superuser's connection to this module's database."""
    name = f"audit_{Path(request.path).stem}"
    server = await asyncpg.connect(postgres_server.superuser_dsn)
    try:
        await server.execute(f'CREATE DATABASE "{name}"')
        found = await asyncpg.connect(superuser_dsn(postgres_server.socket, postgres_server.port, name))
        await migrate(found)
        await server.execute(f"ALTER ROLE counterfoil_audit LOGIN PASSWORD '{PASSWORD}'")
        yield found
        await found.close()
        await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await server.close()


@pytest.fixture
async def house(owner: asyncpg.Connection, postgres_server: Postgres, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    opened = House(postgres_server.dsn("counterfoil_audit", f"audit_{Path(request.path).stem}", PASSWORD), owner)
    await owner.execute("UPDATE connector SET state = 'active', epoch = 1; DELETE FROM block")
    await opened.open()
    yield opened
    await opened.close()
