"""The audit process on a real Kafka: facts in, answers out; killed, and doubled."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from counterfoil.contracts import TOPICS, exchange_replied
from counterfoil.contracts.base import ExchangeFact
from counterfoil.contracts.exchange_replied import Answer
from counterfoil.wire import binding, envelope, kafka_topics
from counterfoil.wire.armor import from_url
from counterfoil.wire.kafka import Connection, Listener, Publisher, Record
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.receipt import check
from counterfoil.wire.signing import Signer, SigningKey
from counterfoil_server.runtime import key_folder
from services.dev.ports import HOST, free_port
from services.dev.postgres import Postgres
from tests.audit import facts
from tests.audit.conftest import PASSWORD
from tests.audit.house import ORIGIN, House
from tests.support.runs import run

ROLES = {"exchange.verified": "verifier", "exchange.authorized": "policy", "exchange.minted": "mint"}


class Bus:
    """The stages before audit, and the requester behind it."""

    def __init__(self, connection: Connection, house: House) -> None:
        self.connection, self.house = connection, house
        self.signing = {role: SigningKey.generate(role) for role in (*ROLES.values(), "audit")}
        self.publisher = Publisher(connection)
        self.listener = Listener(connection, connection.topic(exchange_replied.TOPIC), 0)
        self.answers: dict[str, Answer] = {}

    async def keys(self, folder: Path) -> None:
        """Audit's private keys, everyone's public ones."""
        log, opening = self.house.log_keys[0], OpeningKey.generate()
        rows: list[tuple[str, str, str, bytes, str | None]] = [(key.kid, role, "sign", key.public, None) for role, key in self.signing.items()]
        rows += [(log.key_id.hex(), "audit", "log", log.vkey.encode(), log.name), (opening.kid, "audit", "open", opening.public, None)]
        for row in rows:
            await self.house.owner.execute(
                "INSERT INTO service_key (kid, role, use, public, name, not_before) VALUES ($1, $2, $3, $4, $5, 'epoch')", *row
            )
        for name, raw in (
            (f"sign-{self.signing['audit'].kid}", self.signing["audit"].private_bytes()),
            (f"log-{log.key_id.hex()}", log.private_bytes()),
            (f"open-{opening.kid}", opening.private_bytes()),
        ):
            key_folder.write(folder / f"{name}.key", raw)

    async def publish(self, *what: ExchangeFact) -> None:
        for kind, some in _by_kind(what).items():
            topic = facts.TOPICS[kind]
            role = ROLES[topic.name]
            values = [envelope.encode(fact) for fact in some]
            signatures = Signer(self.signing[role]).sign(str(topic), values)
            records = [
                Record(
                    self.connection.topic(topic),
                    str(fact.id).encode(),
                    value,
                    [*envelope.headers(topic, fact, role, str(fact.id)), ("signature", signature)],
                )
                for fact, value, signature in zip(some, values, signatures, strict=True)
            ]
            await self.publisher.acked(await self.publisher.send(records))

    async def walk(self, count: int) -> list[str]:
        """Exchanges that end well. Their request_hashes."""
        abouts = [self.house.asked(deadline=datetime.now(UTC) + timedelta(seconds=60)) for _ in range(count)]
        for about in abouts:
            fact = await self.house.ledger(facts.minted(about))
            await self.publish(facts.verified(about), facts.approved(about), fact)
        return [about.request_hash for about in abouts]

    async def listen(self) -> None:
        async for records in self.listener.batches():
            for record in records:
                replied = json.loads(record.value)
                plain = self.house.keys.open(from_url(replied["box"].encode()), binding.answer(replied["request_hash"]))
                self.answers[replied["request_hash"]] = Answer.model_validate_json(plain.reveal())

    async def answered(self, request_hashes: Sequence[str]) -> list[Answer]:
        async with asyncio.timeout(60):
            while not set(request_hashes) <= set(self.answers):  # noqa: ASYNC110 - the answers come from another task
                await asyncio.sleep(0.05)
        return [self.answers[request_hash] for request_hash in request_hashes]


def _by_kind(what: Sequence[ExchangeFact]) -> dict[type[ExchangeFact], list[ExchangeFact]]:
    found: dict[type[ExchangeFact], list[ExchangeFact]] = {}
    for fact in what:
        found.setdefault(type(fact), []).append(fact)
    return found


@pytest.fixture
async def bus(
    kafka: str, owner: asyncpg.Connection, postgres_server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bus]:
    connection = Connection(kafka, f"audit{uuid4().hex[:8]}")
    await kafka_topics.create(connection, TOPICS, 4)
    database = postgres_server.dsn("counterfoil_audit", "audit_test_on_the_bus", PASSWORD)
    house = House(database, owner, now=datetime.now(UTC), log_keys=[LogKey.generate(ORIGIN)])
    await owner.execute("DELETE FROM service_key; DELETE FROM reply; DELETE FROM audit_head; DELETE FROM revocation")
    await owner.execute("ALTER TABLE audit_leaf DISABLE TRIGGER ALL; TRUNCATE audit_leaf; ALTER TABLE audit_leaf ENABLE TRIGGER ALL")
    found = Bus(connection, house)
    await found.keys(tmp_path / "keys")
    for name, value in (("KAFKA", kafka), ("PREFIX", connection.prefix), ("DATABASE", database), ("KEYS", str(tmp_path / "keys")),
                        ("URL", "http://127.0.0.1:8484")):  # fmt: skip
        monkeypatch.setenv(f"COUNTERFOIL_{name}", value)
    await found.publisher.start()
    await found.listener.start()
    listening = asyncio.create_task(found.listen())
    yield found
    listening.cancel()
    await found.listener.stop()
    await found.publisher.stop()


async def test_exchanges_are_leaves_and_answered_and_the_heart_beats(bus: Bus):
    async with run("-m", "services.audit.app") as process:
        await process.until("started")

        answers = await bus.answered(await bus.walk(20))

        for answer in answers:
            leaf: dict[str, Any] = check((answer.leaf or "").encode(), answer.proof, [bus.house.log_keys[0].vkey], ORIGIN)
            assert leaf["fact"]["kind"] == "credential.minted"
            assert answer.box == "c2VjcmV0"
        assert await caught_up(bus)
        assert len(await bus.house.leaves()) == 60
        assert await process.ended(signal.SIGTERM) == 0


async def test_a_process_that_is_killed_comes_back_and_no_fact_is_two_leaves(bus: Bus):
    async with run("-m", "services.audit.app") as process:
        await process.until("started")
        first = await bus.walk(30)
        await bus.answered(first[:1])
        process.process.kill()
        await process.process.wait()
    second = await bus.walk(10)

    async with run("-m", "services.audit.app") as process:
        await process.until("started")
        await bus.answered([*first, *second])

        counts = Counter(leaf["fact"]["id"] for leaf in await bus.house.leaves())
        assert (len(counts), max(counts.values())) == (120, 1)
        assert await bus.house.owner.fetchval("SELECT count(*) FROM revocation") == 0


@asynccontextmanager
async def members(bus: Bus) -> AsyncIterator[list[int]]:
    """How many its group has, again and again."""
    found: list[int] = [0]
    group = f"{bus.connection.prefix}.audit"
    admin = AIOKafkaAdminClient(bootstrap_servers=bus.connection.servers)

    async def look() -> None:
        while True:
            (answer,) = await admin.describe_consumer_groups([group])
            found.append(len(answer.groups[0][5]))
            await asyncio.sleep(0.1)

    await admin.start()
    looking = asyncio.create_task(look())
    try:
        yield found
        assert not looking.done()
    finally:
        looking.cancel()
        await admin.close()


async def test_a_second_process_stands_by_and_takes_over(bus: Bus, monkeypatch: pytest.MonkeyPatch):
    async with run("-m", "services.audit.app") as first:
        await first.until("started")
        monkeypatch.setenv("COUNTERFOIL_REPLICA", "1")
        monkeypatch.setenv("COUNTERFOIL_HEALTH_PORT", str(port := free_port()))
        async with run("-m", "services.audit.app") as second, httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False) as probe:
            await second.until("standing by")
            assert [(await probe.get(page)).status_code for page in ("/livez", "/readyz")] == [200, 503]
            await bus.answered(await bus.walk(3))
            first.process.kill()
            await first.process.wait()
            async with members(bus) as most:
                await second.until("started")
                await bus.answered(await bus.walk(3))
            assert max(most) == 1
            async with asyncio.timeout(60):
                while (await probe.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - by the connection that it had from the start
                    await asyncio.sleep(0.1)
            assert len(await bus.house.leaves()) == 18


async def test_a_writer_that_loses_its_connection_ends(bus: Bus):
    async with run("-m", "services.audit.app") as process:
        await process.until("started")
        await bus.house.cut_the_writer()

        async with asyncio.timeout(60):
            assert await process.process.wait() != 0


async def caught_up(bus: Bus) -> bool:
    """Mint's own question: are both younger than five seconds?"""
    question = "SELECT least(at, caught_up_to) > clock_timestamp() - interval '5 s' FROM heartbeat WHERE role = 'audit'"
    async with asyncio.timeout(30):
        while not await bus.house.owner.fetchval(question):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.1)
    return True
