"""A database as each earlier version left it, with what a living installation had in it, is migrated to the newest and serves."""

import asyncio
import io
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import pytest

from counterfoil.client.credential import Credential
from counterfoil_server.runtime.store import migrate
from services.dev import town as parts
from services.dev.postgres import Postgres
from tests.operate.going_back import lend, page, stopped
from tests.registry.conftest import dsn_of
from tests.support.backups import called, way
from tests.support.town import Town, founded
from tests.walk.test_granted import dies

FILES = sorted(migrate.FOLDER.glob("*.sql"))
OWNER = "counterfoil_owner"
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'migration' ORDER BY 1"
SEEDED = {"registry_head", "console_tally_head"}
"""Migrations put a row in."""
SUM = "SELECT count(*), md5(string_agg(one::text, '|' ORDER BY one::text)) FROM ({}) one"
COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position"
# Days of spans go by themselves, and a function of its own is closed to everybody by the migration that makes it.
TAKES_AWAY = re.compile(
    r"\b(DROP (?!INDEX|TABLE public\.%I)|RENAME|SET NOT NULL|ALTER COLUMN|REVOKE (?!CONNECT, TEMPORARY ON DATABASE|ALL ON FUNCTION)"
    r"|TRUNCATE (?!ON)|DELETE FROM)"
)


@dataclass
class Living:
    town: Town
    server: Postgres
    lent: Credential
    database: str


@pytest.fixture(scope="module", name="living")
async def stopped_with_rows(kafka: str, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Living]:
    """An owner who is no superuser: the migrations ask for no more."""
    async with founded(tmp_path_factory.mktemp("upgrade"), kafka, postgres_server) as town:
        lent = await lend(town)
        await stopped(town)
        async with town.sql() as db:
            await db.execute(f"DO $$ BEGIN CREATE ROLE {OWNER} NOLOGIN CREATEROLE; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        yield Living(town, postgres_server, lent, town.plan.database)


async def as_owner(living: Living, name: str) -> asyncpg.Connection:
    """The roles were made by another owner of the same server: granting to them takes no right over them."""
    return await asyncpg.connect(dsn_of(living.server.superuser_dsn, name), server_settings={"role": OWNER})


async def earlier(living: Living, name: str, number: int, folder: Path, patch: pytest.MonkeyPatch) -> dict[str, tuple[str, ...]]:
    """The database as the version with so many migrations had it. Its tables, with their columns."""
    for file in FILES[:number]:
        shutil.copy(file, folder)
    async with living.town.sql() as db:
        await db.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
    owner = await as_owner(living, name)
    with patch.context() as then:
        then.setattr(migrate, "FOLDER", folder)
        assert await migrate.migrate(owner) == [file.name for file in FILES[:number]]
    columns = {row["relname"]: tuple(one[0] for one in await owner.fetch(COLUMNS, row["relname"])) for row in await owner.fetch(TABLES)}
    await owner.close()
    return columns


def selected(table: str, names: tuple[str, ...]) -> str:
    return f"SELECT {', '.join(names)} FROM {table}"  # noqa: S608 - as the catalog named them


async def filled(living: Living, name: str, columns: dict[str, tuple[str, ...]]) -> None:
    async with living.town.sql(living.database) as old, living.town.sql(name) as new:
        await new.execute(f"TRUNCATE {', '.join(SEEDED & columns.keys())}")
        for table, names in columns.items():
            rows = io.BytesIO()
            await old.copy_from_query(selected(table, names), output=rows, format="binary")
            rows.seek(0)
            await new.copy_to_table(table, source=rows, columns=names, format="binary")
        await new.execute("SELECT setval(pg_get_serial_sequence('connector', 'id'), max(id)) FROM connector")


async def contents(living: Living, name: str, columns: dict[str, tuple[str, ...]]) -> dict[str, tuple[int, str]]:
    async with living.town.sql(name) as db:
        return {table: tuple(await db.fetchrow(SUM.format(selected(table, names)))) for table, names in columns.items()}


async def schema(server: Postgres, name: str) -> list[str]:
    text = (await called("pg_dump", *way(server), "--schema-only", "--no-owner", name)).decode()
    return [line for line in text.splitlines() if line and not line.startswith(("--", "\\")) and OWNER not in line and name not in line]


@pytest.mark.parametrize("number", range(1, len(FILES)), ids=lambda number: FILES[number - 1].stem)
async def test_it_is_brought_up_to_date_loses_nothing_and_serves(living: Living, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    name = f"{living.database}_{number}"
    columns = await earlier(living, name, number, tmp_path, monkeypatch)
    await filled(living, name, columns)
    before = await contents(living, name, columns)
    assert min(before[table][0] for table in ("mint", "reply", "audit_leaf", "audit_head", "registry_entry", "service_key", "root_secret")) > 0

    owner = await as_owner(living, name)
    assert await migrate.migrate(owner) == [file.name for file in FILES[number:]]
    assert await migrate.migrate(owner) == []
    await owner.close()

    assert await contents(living, name, columns) == before
    assert await schema(living.server, name) == await schema(living.server, living.database)
    await serves(living, name)


async def serves(living: Living, name: str) -> None:
    living.town.plan = replace(living.town.plan, database=name)
    for role in parts.SERVICES:
        await living.town.start(role)
    try:
        leaf = str(living.lent.receipt.leaf)
        assert leaf in [one["leaf"] for one in (await page(living.town))["leaves"]]
        lent = await lend(living.town)
        session = await asyncpg.connect(lent.reveal())
        async with living.town.client() as client:
            await client.revoke(lent.credential_id)
        await dies(session, 20)
    finally:
        await stopped(living.town)


@pytest.fixture
async def two(postgres_server: Postgres) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
    """Connections to a database that is empty."""
    name = f"upgrade_{secrets.token_hex(4)}"
    server = await asyncpg.connect(postgres_server.superuser_dsn)
    await server.execute(f"CREATE DATABASE {name}")
    one, other = [await asyncpg.connect(dsn_of(postgres_server.superuser_dsn, name)) for _ in range(2)]
    yield one, other
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


async def test_two_at_once_run_each_migration_once(two: tuple[asyncpg.Connection, asyncpg.Connection]):
    ran = await asyncio.gather(*(migrate.migrate(one) for one in two))

    assert sorted(ran) == [[], [file.name for file in FILES]]


async def test_one_that_was_changed_after_it_ran_is_refused(
    two: tuple[asyncpg.Connection, asyncpg.Connection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for file in FILES:
        shutil.copy(file, tmp_path)
    monkeypatch.setattr(migrate, "FOLDER", tmp_path)
    await migrate.migrate(two[0])
    with (tmp_path / FILES[2].name).open("a") as changed:
        changed.write("-- one word more\n")

    with pytest.raises(migrate.Changed, match=FILES[2].name):
        await migrate.migrate(two[0])


async def test_one_that_fails_leaves_nothing_of_those_before_it(
    two: tuple[asyncpg.Connection, asyncpg.Connection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copy(FILES[0], tmp_path)
    (tmp_path / "0002_wrong.sql").write_text("CREATE TABLE more (); SELECT 1 / 0;")
    monkeypatch.setattr(migrate, "FOLDER", tmp_path)

    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate.migrate(two[0])
    assert await two[0].fetch(TABLES) == []


def test_no_migration_takes_anything_away_from_the_version_that_still_runs():
    assert [(file.name, found.group()) for file in FILES for found in TAKES_AWAY.finditer(file.read_text())] == []
