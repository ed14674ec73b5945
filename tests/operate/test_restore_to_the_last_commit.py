"""PostgreSQL's data is lost whole; a base backup and WAL that was streamed elsewhere bring back every commit that anybody was told of."""

import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import pytest

from counterfoil.client.credential import Credential
from counterfoil.wire import checkpoint
from services.dev import postgres
from services.dev import town as parts
from services.dev.children import Children
from services.dev.ports import free_port
from services.dev.postgres import Postgres
from services.dev.postgres_user import Runner, runner
from tests.operate.going_back import lend, page, stopped
from tests.support.backups import called, streamed, way
from tests.support.parts import say
from tests.support.town import Town, founded
from tests.support.waiting import until

REPLICATION = "local replication postgres trust\n"


@dataclass
class Story:
    town: Town
    before: Credential
    after: Credential
    lost: str
    """The last checkpoint before the loss."""


async def connected(server: Postgres) -> object:
    """The stream is the standby that commits wait for."""
    admin = await asyncpg.connect(server.superuser_dsn)
    try:
        return await admin.fetchval("SELECT sync_state = 'sync' FROM pg_stat_replication WHERE application_name = 'elsewhere'")
    finally:
        await admin.close()


async def noted(town: Town, lent: Credential) -> object:
    """What was handed over a moment before the end, and not noted yet, is revoked as if it had not been."""
    async with town.sql() as db:
        return await db.fetchval("SELECT delivered IS NOT NULL FROM reply WHERE credential_id = $1", lent.credential_id)


async def let_replicate(server: Postgres) -> None:
    with (server.data / "pg_hba.conf").open("a") as rules:
        rules.write(REPLICATION)
    await called("psql", *way(server), "--command=ALTER SYSTEM SET synchronous_standby_names = 'elsewhere'", "postgres")
    await called("psql", *way(server), "--command=SELECT pg_reload_conf()", "postgres")


def brought_back(how: Runner, data: Path, base: Path, wal: Path) -> None:
    """The base backup, and where the WAL is that came after it. What was being written when the end came is whole up to the last commit."""
    shutil.rmtree(data)
    shutil.copytree(base, data)
    for partial in wal.glob("*.partial"):
        partial.rename(partial.with_suffix(""))
    copied = shutil.copytree(wal, how.home / "wal")
    (data / "recovery.signal").touch()
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"restore_command = 'cp {copied}/%f \"%p\"'\nsynchronous_standby_names = ''\n")
    if how.uid is not None:
        for path in (data, copied, *data.rglob("*"), *copied.iterdir()):
            os.chown(path, how.uid, how.uid)


@asynccontextmanager
async def lost(folder: Path, kafka: str) -> AsyncIterator[Story]:
    base, wal = folder / "base", folder / "wal"
    wal.mkdir()
    async with AsyncExitStack() as stack:
        children, port = await stack.enter_async_context(Children(folder / "server")), free_port()
        server = await postgres.start(children, port, say)
        await let_replicate(server)
        async with streamed(server, wal):
            await until(lambda: connected(server))
            town = await stack.enter_async_context(founded(folder / "town", kafka, server))
            before = await lend(town)
            await called("pg_basebackup", *way(server), f"--pgdata={base}", "--checkpoint=fast", "--wal-method=none")
            story = Story(town, before, await lend(town), (await page(town))["checkpoint"])
            await until(lambda: noted(town, story.after))
            server.child.process.send_signal(signal.SIGKILL)
            await children.forget(server.child)
        await stopped(town)

        brought_back(runner(children.folder / "postgres"), server.data, base, wal)
        server = await postgres.start(children, port, say)
        town.plan = replace(town.plan, superuser_dsn=server.superuser_dsn)
        for role in parts.SERVICES:
            await town.start(role)
        yield story


@pytest.fixture(scope="module", name="story")
async def told(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    async with lost(tmp_path_factory.mktemp("last-commit"), kafka) as made:
        yield made


async def test_every_credential_is_in_the_ledger_and_can_be_ended(story: Story):
    async with story.town.client() as client:
        for lent in (story.before, story.after):
            session = await asyncpg.connect(lent.reveal())
            await session.close()
            await client.revoke(lent.credential_id)

    async def ended() -> object:
        async with story.town.sql() as db:
            ids = [story.before.credential_id, story.after.credential_id]
            return await db.fetchval("SELECT count(*) = 2 FROM mint WHERE state = 'revoked' AND credential_id = ANY($1)", ids)

    await until(ended)


async def test_the_log_goes_on_from_its_last_head(story: Story):
    lent, then = await lend(story.town), checkpoint.parse(story.lost)
    found = await page(story.town)
    minted = [fact["credential_id"] for one in found["leaves"] if (fact := json.loads(one["leaf"])["fact"])["kind"] == "credential.minted"]

    assert checkpoint.parse(found["checkpoint"]).size > then.size > story.after.receipt.index
    assert str(story.after.receipt.leaf) in [one["leaf"] for one in found["leaves"]]
    assert minted[-1] == str(lent.credential_id)
