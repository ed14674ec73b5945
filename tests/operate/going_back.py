"""A town whose database server is lost, and comes back from a dump that is older than the last credential: docs/operate/restore.md, step by step."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from counterfoil.client.credential import Credential
from services.dev import town as parts
from services.dev.jars import ROOT
from services.dev.ports import HOST
from services.dev.postgres import Postgres, superuser_dsn
from services.ops import key_rotation
from tests.docs.pages import blocks
from tests.support import kafka_tools
from tests.support.backups import dumped, restored
from tests.support.town import Town, founded
from tests.walk.test_fence_and_block import order

PAGE = ROOT / "docs/operate/restore.md"
RESET = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
LATE = {"kind": "link", "connector": "postgres/demo", "project": "late", "environments": ["production"], "ceiling": {"scopes": ["read"]}}


@dataclass
class Story:
    town: Town
    before: Credential
    after: Credential
    log_keys: list[str]
    lost: dict[str, Any]
    """The last page of the log that was lost."""
    kept: int
    """How many leaves the backup has."""
    standing: int = -1
    """How many blocks came back with it."""


async def page(town: Town) -> dict[str, Any]:
    answer = await town.http.get(f"{town.plan.url}/v1/audit/leaves", params={"limit": "500"}, headers=await town.admin())
    return dict(answer.raise_for_status().json())


async def lend(town: Town) -> Credential:
    async with town.client(timeout=30) as client:
        return await client.exchange("postgres/demo", scopes=["read"], lifetime=1800)


async def stopped(town: Town) -> None:
    for role in parts.SERVICES:
        await town.stop(role)


async def orphans(town: Town, *words: str) -> tuple[int, list[str]]:
    """As the operator runs it beside `revoke`: the exit code, and the lines."""
    argv = (sys.executable, "-m", "services.providers.app", "orphans", *words)
    process = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, env=parts.environment(town.plan, "revoke"), stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode().splitlines()


async def new_log_key(town: Town) -> None:
    """As `counterfoil keys rotate audit log`, a minute ago; then the page's statement, which ends the old one."""
    async with town.sql() as db:
        await key_rotation.rotate(db, town.plan.keys, "audit", "log", datetime.now(UTC) - timedelta(seconds=60), timedelta(seconds=60))
        (statement,) = (text for text in blocks(PAGE, "sql") if "service_key" in text)
        await db.execute(statement)


async def audit_reads_again(town: Town, since: datetime, folder: Path) -> None:
    """By Kafka's own tool. A static member is a member until its session is over."""
    tool = kafka_tools.program(folder / "kafka-consumer-groups.sh", await kafka_tools.classes(town.children), RESET)
    at = since.strftime("%Y-%m-%dT%H:%M:%S.000")
    asked = (f"--bootstrap-server={town.plan.kafka}", f"--group={town.plan.prefix}.audit", "--reset-offsets", f"--to-datetime={at}", "--all-topics")
    for _ in range(20):
        said = await kafka_tools.finished(str(tool), *asked, "--execute", env={})
        if "Error" not in said:
            return
        await asyncio.sleep(1)
    raise AssertionError(said)


@asynccontextmanager
async def gone_back(folder: Path, kafka: str, first: Postgres, second: Postgres) -> AsyncIterator[Story]:
    async with founded(folder / "town", kafka, first) as town:
        await town.apply(LATE)
        before, since = await lend(town), datetime.now(UTC)
        roles = await dumped(first, town.plan.database, folder / "counterfoil.dump")
        async with town.sql() as db:
            kept = await db.fetchval("SELECT size FROM audit_head")
        await order(town, project="late")
        pinned = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).raise_for_status().json()["log_keys"]
        story = Story(town, before, await lend(town), pinned, await page(town), kept)
        await stopped(town)
        await drop(first, town.plan.database)

        await restored(second, folder / "counterfoil.dump", roles)
        town.plan = replace(town.plan, superuser_dsn=superuser_dsn(second.socket, second.port), postgres=(HOST, second.port))
        await new_log_key(town)
        await audit_reads_again(town, since - timedelta(minutes=1), folder)
        await town.start("gateway")
        story.standing = await standing(town)
        await order(town, project="late")
        for role in parts.SERVICES.keys() - {"gateway"}:
            await town.start(role)
        yield story


async def standing(town: Town) -> int:
    async with town.sql() as db:
        return int(await db.fetchval("SELECT count(*) FROM block WHERE lifted_at IS NULL"))


async def drop(server: Postgres, database: str) -> None:
    admin = await asyncpg.connect(server.superuser_dsn)
    await admin.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
    await admin.close()
