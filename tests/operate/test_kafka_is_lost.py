"""All of Kafka's data is lost while orders and facts are under way: what nobody was given dies, and the database says the rest again."""

import asyncio
import json
import shutil
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from counterfoil.client.credential import Credential
from counterfoil.contracts import TOPICS
from counterfoil.wire import kafka_topics
from services.dev import kafka as embedded
from services.dev import town as parts
from services.dev.children import Children
from services.dev.jars import ROOT
from services.dev.ports import free_port
from services.dev.postgres import Postgres
from tests.docs.pages import blocks
from tests.operate.going_back import lend, page
from tests.support.parts import say
from tests.support.stranger import stranger
from tests.support.town import Town, founded
from tests.support.waiting import until

PAGE = ROOT / "docs/operate/restore.md"


@dataclass
class Story:
    town: Town
    held: Credential
    doomed: Credential
    unanswered: str
    """The hash of a request that was minted for, and whose fact audit never read."""


async def revoked_in_vain(town: Town) -> Credential:
    """The order is on Kafka, and nobody has read it."""
    doomed = await lend(town)
    await town.stop("revoker")
    async with town.client() as client:
        await client.revoke(doomed.credential_id)

    async def published() -> object:
        async with town.sql() as db:
            return await db.fetchval("SELECT bool_and(published_at IS NOT NULL) AND bool_or(ordered_at IS NULL) FROM revocation_order")

    await until(published)
    return doomed


async def minted_in_vain(town: Town) -> str:
    """Audit has just stopped: for a few seconds mint does not know."""
    async with stranger(town) as one:
        question = await one.question({"connector": "postgres/demo", "scopes": ["read"], "lifetime": 1800}, within=8)
        await town.stop("audit")
        await one.send(question.record)

        async def minted() -> object:
            async with town.sql() as db:
                return await db.fetchval("SELECT state = 'active' FROM mint WHERE request_hash = $1", question.request_hash)

        await until(minted)
    return question.request_hash


@asynccontextmanager
async def lost(folder: Path, postgres: Postgres) -> AsyncIterator[Story]:
    ports = free_port(), free_port()
    async with Children(folder / "kafka") as children:
        node = await embedded.start(children, *ports, say)
        async with founded(folder / "town", node.servers, postgres) as town:
            story = Story(town, await lend(town), await revoked_in_vain(town), await minted_in_vain(town))
            node.child.process.send_signal(signal.SIGKILL)
            await children.forget(node.child)
            shutil.rmtree(children.folder / "kafka" / "data")
            for role in parts.SERVICES.keys() - {"revoker", "audit"}:
                await town.stop(role)

            await embedded.start(children, *ports, say)
            assert len(await kafka_topics.create(town.connection, TOPICS, parts.PARTITIONS)) == 2 * len(TOPICS)
            async with town.sql() as db:
                (statements,) = (text for text in blocks(PAGE, "sql") if "relayed_at" in text)
                await db.execute(statements)
            for role in parts.SERVICES:
                await town.start(role)
            yield story


@pytest.fixture(scope="module", name="story")
async def told(postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    async with lost(tmp_path_factory.mktemp("kafka-is-lost"), postgres_server) as made:
        yield made


async def ended(town: Town, column: str, value: Any) -> None:
    async def gone() -> object:
        async with town.sql() as db:
            return await db.fetchval(f"SELECT state = 'revoked' FROM mint WHERE {column} = $1", value)  # noqa: S608 - this file's own names

    await until(gone)


async def test_it_lends_again_and_what_was_lent_before_lives(story: Story):
    for lent in (await lend(story.town), story.held):
        session = await asyncpg.connect(lent.reveal())
        assert await session.fetchval("SELECT 1") == 1
        await session.close()


async def test_what_was_minted_and_never_recorded_is_revoked(story: Story):
    await ended(story.town, "request_hash", story.unanswered)


async def test_an_order_that_only_kafka_knew_of_is_given_again(story: Story):
    await ended(story.town, "credential_id", story.doomed.credential_id)

    with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
        await asyncpg.connect(story.doomed.reveal())


async def test_every_change_and_order_is_one_leaf_and_the_lost_mint_is_none(story: Story):
    async with story.town.sql() as db:
        changes = await db.fetchval("SELECT count(*) FROM registry_change")

    async def leaves() -> Counter[str]:
        facts = [json.loads(one["leaf"])["fact"] for one in (await page(story.town))["leaves"]]
        assert story.unanswered not in [one["asked"]["request_hash"] for one in facts if one["kind"] == "credential.minted"]
        return Counter(one["kind"] for one in facts)

    async def all_there() -> object:
        found = await leaves()
        return found["registry.changed"] >= changes and found["revocation.requested"] >= 1

    await until(all_there)
    await asyncio.sleep(2)  # a second copy would come with the first
    found = await leaves()
    assert (found["registry.changed"], found["revocation.requested"]) == (changes, 1)
