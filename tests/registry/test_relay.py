"""Rows become facts, once the broker has them, and in order."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from counterfoil.contracts import registry_changed, revocation_requested
from counterfoil.contracts.registry_changed import RegistryChanged
from counterfoil.contracts.revocation_requested import RevocationRequested
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.stage import Out
from counterfoil_server.runtime.store import registry_rows
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.store.hint import Hint
from counterfoil_server.runtime.store.registry_rows import Put, Remove
from services.gateway import relay as relay_module
from services.gateway.relay import Relay
from tests.registry.conftest import AsRole, dsn_of
from tests.registry.test_registry_rows import ACTOR, NOW, A
from tests.support.facts import link
from tests.support.waiting import until


class Broker:
    """Acknowledges when it is let to."""

    def __init__(self) -> None:
        self.outs: list[Out] = []
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None

    async def send(self, outs: Sequence[Out]) -> None:
        self.outs += outs
        await self.open.wait()
        if self.error is not None:
            raise self.error

    @property
    def facts(self) -> list[Any]:
        return [out.fact for out in self.outs]


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def relay(gateway: Pool, database: str, broker: Broker) -> Relay:
    dsn = Secret(dsn_of(database, urlsplit(database).path[1:], "gateway"))
    return Relay(gateway, broker.send, Hint(dsn, "registry"), Hint(dsn, "revocation"))


async def change(db: Pool, *changes: registry_rows.Change) -> int:
    return await registry_rows.change(db, changes, ACTOR, NOW)


async def order(db: Pool) -> UUID:
    identifier = uuid4()
    await db.execute(
        "INSERT INTO revocation_order (id, actor, predicate, cause, at) VALUES ($1, $2, $3, 'leaked', $4)",
        identifier,
        ACTOR.model_dump(mode="json"),
        {"project": "web"},
        NOW,
    )
    return identifier


async def test_changes_are_facts_in_the_order_of_their_revisions(gateway: Pool, relay: Relay, broker: Broker) -> None:
    await change(gateway, Put(A), Put(link()))
    await change(gateway, Remove("link", link().name))
    assert await relay.changes() == 3
    assert [type(fact) for fact in broker.facts] == [RegistryChanged] * 3
    assert [(fact.revision, fact.change, fact.name) for fact in broker.facts] == [
        (1, "put", A.name),
        (2, "put", link().name),
        (3, "removed", link().name),
    ]
    assert broker.facts[0].actor == ACTOR
    assert broker.facts[0].entry["name"] == A.name
    assert [(out.topic, out.key, out.event_id) for out in broker.outs] == [(registry_changed.TOPIC, str(f.id), str(f.id)) for f in broker.facts]
    assert await relay.changes() == 0


async def test_what_the_broker_did_not_acknowledge_is_sent_again_as_the_same_fact(gateway: Pool, relay: Relay, broker: Broker) -> None:
    await change(gateway, Put(A))
    broker.error = OSError("away")
    with pytest.raises(OSError, match="away"):
        await relay.changes()
    broker.error = None
    assert await relay.changes() == 1
    assert broker.facts[0] == broker.facts[1]


async def test_one_replica_relays_changes_at_a_time(gateway: Pool, relay: Relay, broker: Broker) -> None:
    await change(gateway, Put(A))
    broker.open.clear()
    first = asyncio.create_task(relay.changes())
    await until(lambda: asyncio.sleep(0, bool(broker.outs)))
    second = asyncio.create_task(relay.changes())
    await asyncio.wait([second], timeout=5)
    broker.open.set()
    assert (await first, await second) == (1, 0)
    assert len(broker.outs) == 1


async def test_a_slow_broker_costs_no_row(gateway: Pool, relay: Relay, broker: Broker, root: asyncpg.Connection) -> None:
    await change(gateway, Put(A))
    broker.open.clear()
    task = asyncio.create_task(relay.changes())
    await asyncio.sleep(0.5)
    broker.open.set()
    assert await task == 1
    assert await root.fetchval("SELECT count(*) FROM registry_change WHERE relayed_at IS NULL") == 0


async def test_orders_are_facts(gateway: Pool, relay: Relay, broker: Broker) -> None:
    identifier = await order(gateway)
    assert await relay.orders() == 1
    (fact,) = broker.facts
    assert isinstance(fact, RevocationRequested)
    assert (fact.id, fact.actor, fact.predicate.project, fact.cause, fact.at) == (identifier, ACTOR, "web", "leaked", NOW)
    assert broker.outs[0].topic is revocation_requested.TOPIC
    assert await relay.orders() == 0


async def test_two_replicas_share_the_orders(gateway: Pool, relay: Relay, broker: Broker) -> None:
    await order(gateway)
    broker.open.clear()
    first = asyncio.create_task(relay.orders())
    await until(lambda: asyncio.sleep(0, bool(broker.outs)))
    second_order = await order(gateway)
    second = asyncio.create_task(relay.orders())
    await until(lambda: asyncio.sleep(0, len(broker.outs) == 2))
    broker.open.set()
    assert (await first, await second) == (1, 1)
    assert broker.facts[1].id == second_order


async def test_it_runs_on_hints_and_through_a_broker_that_is_away(
    gateway: Pool, relay: Relay, broker: Broker, root: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "AT_LEAST_EVERY", 0.05)
    broker.error = OSError("away")
    task = asyncio.create_task(relay.run())
    try:
        await change(gateway, Put(A))
        await order(gateway)
        await until(lambda: asyncio.sleep(0, len(broker.outs) > 2))
        broker.error = None
        await until(lambda: root.fetchval("SELECT NOT EXISTS (SELECT FROM registry_change WHERE relayed_at IS NULL)"))
        await until(lambda: root.fetchval("SELECT NOT EXISTS (SELECT FROM revocation_order WHERE published_at IS NULL)"))
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_notification_is_enough(
    gateway: Pool, relay: Relay, broker: Broker, root: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "AT_LEAST_EVERY", 60.0)
    task = asyncio.create_task(relay.run())
    try:
        await until(lambda: root.fetchval("SELECT count(*) = 2 FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"))
        await change(gateway, Put(A))
        await until(lambda: asyncio.sleep(0, bool(broker.outs)))
        await order(gateway)
        await gateway.execute("SELECT pg_notify('revocation', '')")
        await until(lambda: asyncio.sleep(0, len(broker.outs) == 2))
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_only_the_gateway_may_relay(as_role: AsRole, broker: Broker, relay: Relay) -> None:
    for role in ("verifier", "policy", "mint", "audit", "revoker"):
        stranger = Relay(await as_role(role), broker.send, relay._changes, relay._orders)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await stranger.changes()
    assert not broker.outs
