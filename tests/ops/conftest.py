"""The database of the registry's tests, and a connection to it as the role ops."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.registry.conftest import as_role, database, dsn_of, gateway, root

__all__ = ["as_role", "database", "gateway", "root"]


@pytest.fixture
def ops_dsn(database: str) -> str:
    return dsn_of(database, urlsplit(database).path[1:], "ops")


@pytest.fixture
async def ops(ops_dsn: str, root: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:  # noqa: ARG001 - it empties the tables
    connection = await asyncpg.connect(ops_dsn)
    yield connection
    await connection.close()
