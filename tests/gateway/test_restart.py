"""A gateway that comes back, on a real Kafka: what it handed over lives, what it did not is ended, and what is others' is not its to judge."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from counterfoil.contracts import TOPICS, exchange_replied
from counterfoil.wire import kafka_topics
from counterfoil.wire.asking import Question
from counterfoil.wire.kafka import Connection, Listener, Publisher, Record
from counterfoil.wire.requester import RequesterKeys
from counterfoil.wire.secret import Secret
from services.gateway.asker import Asker
from services.gateway.handed import Handed
from services.gateway.listening import Listening
from services.gateway.replies import Replies
from services.gateway.standing import Standing
from services.gateway.undelivered import Undelivered, order_ends
from services.gateway.waiting import Waiter, Waiting
from services.gateway.wish import Asking
from tests.gateway.bus import Asked_, Raw, minted
from tests.gateway.conftest import INSTANCE, Town
from tests.gateway.test_waiting import ends, in_ledger, until

PARTITION = 1


@dataclass
class Running:
    """One life of the gateway behind its door."""

    waiting: Waiting
    handed: Handed
    undelivered: Undelivered
    listening: Listening

    async def quiet(self, next_offset: int) -> None:
        await until(lambda: self.handed._read >= next_offset and not len(self.undelivered))


@dataclass
class Log:
    """The real partition that the gateway shares with bus clients."""

    kafka: Connection
    publisher: Publisher
    written: int = 0

    async def write(self, *replies: Raw) -> int:
        """The offset after them."""
        topic = self.kafka.topic(exchange_replied.TOPIC)
        records = [Record(topic, reply.key, reply.value, reply.headers, PARTITION) for reply in replies]
        await self.publisher.acked(await self.publisher.send(records))
        self.written += len(replies)
        return self.written


@pytest.fixture
async def log(kafka: str) -> AsyncIterator[Log]:
    connection = Connection(kafka, f"g{secrets.token_hex(4)}")
    await kafka_topics.create(connection, TOPICS, 4)
    publisher = Publisher(connection)
    await publisher.start()
    yield Log(connection, publisher)
    await publisher.stop()


@asynccontextmanager
async def life(gateway: Town, log: Log, requester: RequesterKeys, *, killed: bool = False) -> AsyncIterator[Running]:
    handed = Handed(gateway.db, INSTANCE, PARTITION)
    undelivered = Undelivered(gateway.db, handed)
    waiting = Waiting(handed, undelivered)
    replies = Replies(INSTANCE, waiting, handed, requester, gateway.keys, Standing(gateway.db), gateway.replies._telemetry, gateway.asker.now)
    listener = Listener(log.kafka, log.kafka.topic(exchange_replied.TOPIC), PARTITION)
    listening = Listening(listener, replies, handed, undelivered)
    await listening.start()
    tasks = [asyncio.create_task(loop) for loop in (listening.run(), undelivered.run())]
    yield Running(waiting, handed, undelivered, listening)
    for task in tasks:
        task.cancel()
    await (listener.stop() if killed else listening.stop())


class Asks:
    """Questions as the gateway asks them; what they have become is known to the stand-in."""

    def __init__(self, gateway: Town, requester: RequesterKeys) -> None:
        self._gateway, self._asker = gateway, Asker(**{**vars(gateway.asker), "requester": requester})

    async def one(self, instance: str = INSTANCE) -> tuple[Question, Raw, Any]:
        """The question, its reply, and the credential that the ledger says is alive."""
        asked = Asking(uuid4(), Secret("a.b.c"), {"connector": "postgres/demo"})
        question = self._asker.question(asked, Waits(), ())  # type: ignore[arg-type]
        opened = Asked_(question.record, self._gateway.bus.keys)
        reply = self._gateway.bus.reply(opened, minted(opened), instance=instance)
        return question, reply, await in_ledger(self._gateway.root, opened)


class Waits:
    """A request without wishes about time."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}


async def handed_over(running: Running, question: Question, log: Log, reply: Raw) -> int:
    """As the token door does it."""
    with running.waiting.entered(question) as waiter:
        after = await log.write(reply)
        await asyncio.wait_for(taken(waiter), 20)
        waiter.handed = True
    return after


async def taken(waiter: Waiter) -> None:
    assert (await waiter.answer).credential is not None


async def test_a_restart_ends_its_own_that_nobody_was_handed_and_nothing_else(gateway: Town, log: Log):
    requester = RequesterKeys(time.monotonic)
    asks = Asks(gateway, requester)
    (question, first, _), (_, foreign, _), (_, away, lost), (_, foreign_too, _) = [
        await asks.one(who) for who in (INSTANCE, "client", INSTANCE, "client")
    ]
    async with life(gateway, log, requester) as running:
        await log.write(foreign)
        await running.quiet(await handed_over(running, question, log, first))

    await log.write(away, foreign_too)
    async with life(gateway, log, RequesterKeys(time.monotonic)) as running:
        await running.quiet(log.written)

    assert await ends(gateway.root) == {lost: "undelivered"}


async def test_what_was_handed_over_lives_though_its_reply_comes_again_after_the_restart(gateway: Town, log: Log):
    requester = RequesterKeys(time.monotonic)
    question, reply, _ = await Asks(gateway, requester).one()
    async with life(gateway, log, requester) as running:
        await running.quiet(await handed_over(running, question, log, reply))

    async with life(gateway, log, RequesterKeys(time.monotonic)) as running:
        await running.quiet(await log.write(reply))

    assert await ends(gateway.root) == {}


async def test_a_killed_gateways_answer_on_its_way_is_ended_by_the_next(gateway: Town, log: Log):
    requester = RequesterKeys(time.monotonic)
    question, reply, lost = await Asks(gateway, requester).one()
    async with life(gateway, log, requester, killed=True) as running:
        waiter = running.waiting.entered(question)
        waiter.__enter__()
        await log.write(reply)
        await until(lambda: running.handed._read >= log.written)
        await running.handed.save()

    async with life(gateway, log, RequesterKeys(time.monotonic)) as running:
        await running.quiet(log.written)

    assert await ends(gateway.root) == {lost: "undelivered"}


async def test_while_an_answer_is_being_handed_over_the_row_stays_before_it(gateway: Town, log: Log):
    requester = RequesterKeys(time.monotonic)
    asks = Asks(gateway, requester)
    (question, reply, _), (_, foreign, _) = [await asks.one(who) for who in (INSTANCE, "client")]
    async with life(gateway, log, requester) as running:
        with running.waiting.entered(question) as waiter:
            after = await log.write(reply, foreign)
            await until(lambda: running.handed._read >= after)
            assert running.handed.next_offset == after - 2
            waiter.handed = True
        assert running.handed.next_offset == after

    assert await gateway.db.fetchval("SELECT next_offset FROM handed") == log.written


@pytest.mark.parametrize("state", ["minting", "active"])
async def test_what_is_on_the_wire_yet_is_ended_when_its_window_has_closed_and_what_is_there_at_once(gateway: Town, state: str):
    question, _, _ = await Asks(gateway, RequesterKeys(time.monotonic)).one()
    await gateway.root.execute("UPDATE mint SET state = $1, window_closes_at = now() + interval '3 seconds'", state)

    assert await order_ends(gateway.db, [question.request_hash]) == 1

    waits = await gateway.root.fetchval("SELECT next_at > window_closes_at FROM revocation JOIN mint USING (credential_id)")
    assert waits == (state == "minting")
