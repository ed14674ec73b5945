"""A real Kafka with a few lines behind it that answer as audit does, with real keys and a real small log."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from counterfoil import Client
from counterfoil.contracts import TOPICS, exchange_replied, exchange_requested
from counterfoil.contracts.exchange_replied import Answer, ExchangeReplied
from counterfoil.contracts.exchange_requested import ExchangeRequested
from counterfoil.wire import kafka_topics
from counterfoil.wire.canonical import digest
from counterfoil.wire.envelope import encode
from counterfoil.wire.kafka import Connection, Listener, Publisher, Record
from counterfoil.wire.merkle import leaf_hash
from tests.client.answers import Town, asked, minted, no

GATEWAY = "http://127.0.0.1:8484"


@dataclass
class Came:
    """One request as it lay on the topic."""

    value: bytes
    headers: dict[str, bytes]

    @property
    def fact(self) -> ExchangeRequested:
        return ExchangeRequested.model_validate_json(self.value)

    @property
    def about(self) -> dict[str, Any]:
        return asked(self.fact.request_id, digest(self.value), self.fact.requester_key)


@dataclass
class Square:
    """The town on the topics. `answers` has what each request in turn is answered with; a request beyond them with the last."""

    connection: Connection
    town: Town = field(default_factory=Town)
    came: list[Came] = field(default_factory=list)
    answers: list[Callable[[Came], Sequence[str | bytes]]] = field(default_factory=list)
    known: list[dict[str, Any]] = field(default_factory=list)

    async def serve(self, listener: Listener, publisher: Publisher) -> None:
        async for records in listener.batches():
            for record in records:
                came = Came(record.value, dict(record.headers))
                self.came.append(came)
                answer = self.answers[min(len(self.came), len(self.answers)) - 1]
                for box in answer(came):
                    await publisher.acked(await publisher.send([self.reply(came, box)]))

    def reply(self, came: Came, box: str | bytes) -> Record:
        """Bytes are what lies on the topic in place of a reply."""
        request_hash, to = digest(came.value), came.fact.reply_to
        value = box if isinstance(box, bytes) else encode(ExchangeReplied(request_hash=request_hash, reply_to=to, box=box))
        return Record(self.connection.topic(exchange_replied.TOPIC), request_hash.encode(), value, [], to.partition)

    def seal(self, came: Came, leaf: str, **members: Any) -> str:
        usual: dict[str, Any] = {"leaf": leaf, "leaf_hash": leaf_hash(leaf.encode()).hex(), "proof": self.town.proof(leaf)}
        return self.town.reply(digest(came.value), came.fact.requester_key, Answer(**usual | members))

    def lend(self, came: Came) -> list[str]:
        box = self.town.box(digest(came.value), came.fact.requester_key)
        return [self.seal(came, self.town.append(minted(came.about, box)), box=box)]

    def deny(self, came: Came) -> list[str]:
        return [self.seal(came, self.town.append(no(came.about)), problem={"code": "no_link", "message": "no link", "nearest": {"environment": "x"}})]

    def refuse(self, code: str, kind: str = "mint.refused") -> Callable[[Came], list[str]]:
        return lambda came: [self.seal(came, self.town.append(no(came.about, kind, code)), problem={"code": code})]

    def client(self, **members: Any) -> Client:
        self.known = self.known or [self.town.well_known(topics_prefix=self.connection.prefix)]

        def gateway(_: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json=self.known[0] if len(self.known) == 1 else self.known.pop(0))

        usual: dict[str, Any] = {
            "token": "an.id.token",
            "transport": "kafka",
            "kafka": self.connection,
            "http": httpx.AsyncClient(transport=httpx.MockTransport(gateway)),
        }
        return Client(GATEWAY, **usual | members)


@pytest.fixture(name="square")
async def square_of_the_test(kafka: str) -> AsyncIterator[Square]:
    connection = Connection(kafka, f"bus-{secrets.token_hex(4)}")
    await kafka_topics.create(connection, [topic for topic in TOPICS if topic.name.startswith("exchange.re")], 4)
    made = Square(connection)
    async with serving(made):
        yield made


@asynccontextmanager
async def serving(square: Square) -> AsyncIterator[None]:
    listener = Listener(square.connection, square.connection.topic(exchange_requested.TOPIC), None)
    publisher = Publisher(square.connection)
    await listener.start()
    await publisher.start()
    task = asyncio.create_task(square.serve(listener, publisher))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await publisher.stop()
        await listener.stop()
