"""Nobody gets into the embedded PostgreSQL without a password but the superuser, by a socket that is closed to others."""

import stat
from collections.abc import AsyncIterator

import asyncpg
import pytest

from services.dev.children import Children
from services.dev.postgres import Postgres
from tests.support.sql import ask, run

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
async def lent(postgres_server: Postgres) -> AsyncIterator[str]:
    """A role with the password `right`. It may connect: a town on the same server takes that from everybody."""
    await run(postgres_server.superuser_dsn, "create role lent login password 'right'; grant connect on database postgres to lent")
    yield "lent"
    await run(postgres_server.superuser_dsn, "drop owned by lent; drop role lent")


async def test_the_right_password_gets_in(postgres_server: Postgres, lent: str):
    assert await ask(postgres_server.dsn(lent, "postgres", "right"), "select current_user") == lent


async def test_a_wrong_password_is_refused(postgres_server: Postgres, lent: str):
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(postgres_server.dsn(lent, "postgres", "wrong"), "select 1")


async def test_an_expired_password_is_refused(postgres_server: Postgres):
    await run(postgres_server.superuser_dsn, "create role past login password 'right' valid until '2020-01-01'")

    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(postgres_server.dsn("past", "postgres", "right"), "select 1")


async def test_a_role_without_a_password_is_refused(postgres_server: Postgres):
    await run(postgres_server.superuser_dsn, "create role bare login")

    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(postgres_server.dsn("bare", "postgres", ""), "select 1")


async def test_the_superuser_has_no_way_in_by_tcp(postgres_server: Postgres):
    await run(postgres_server.superuser_dsn, "alter role postgres password 'known'")

    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await ask(postgres_server.dsn("postgres", "postgres", "known"), "select 1")


async def test_another_role_needs_its_password_on_the_socket_too(postgres_server: Postgres, lent: str):
    dsn = postgres_server.superuser_dsn.replace("postgres@", f"{lent}:wrong@")

    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(dsn, "select 1")


async def test_the_sockets_folder_is_closed_to_others(postgres_server: Postgres):
    assert stat.S_IMODE(postgres_server.socket.stat().st_mode) == 0o700


async def test_a_failed_statement_is_not_written_to_the_log(children: Children, postgres: str):
    with pytest.raises(asyncpg.PostgresError):
        await run(postgres, "create role lent2 login password 'canary-5a1f' +")

    log = (children.logs / "postgres.log").read_text()
    assert "syntax error" in log
    assert "canary-5a1f" not in log
