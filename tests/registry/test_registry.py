"""The registry as a process holds it: read as the policy's role, changed as the gateway's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime import registry as registry_module
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.store import registry_rows
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.store.registry_rows import Change, Put, Remove
from tests.registry.conftest import AsRole, dsn_of
from tests.registry.test_registry_rows import ACTOR, ADMIN, A, B, issuer, policy
from tests.support.facts import link
from tests.support.waiting import until

LATER = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class Ticks:
    """A monotonic clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def change(db: Pool, *changes: Change) -> int:
    return await registry_rows.change(db, changes, ACTOR, LATER)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
async def registry(as_role: AsRole, database: str, ticks: Ticks) -> Registry:
    dsn = Secret(dsn_of(database, urlsplit(database).path[1:], "policy"))
    return Registry(await as_role("policy"), dsn, ticks)


async def test_a_snapshot_holds_what_was_declared(gateway: Pool, registry: Registry) -> None:
    both = link(environments=frozenset({"production", "preview"}))
    await change(gateway, Put(A), Put(B), Put(both), Put(issuer()), Put(policy("permit (principal, action, resource);")), Put(ADMIN))
    await registry.load()
    snapshot = registry.snapshot
    assert snapshot.revision == 6
    assert snapshot.connectors == {A.name: A, B.name: B}
    assert snapshot.issuers == {"https://issuer.example": issuer()}
    assert snapshot.link(A.name, "web", "preview") == snapshot.link(A.name, "web", "production") == both
    assert snapshot.link(A.name, "web", "staging") is None
    assert snapshot.links_of(A.name, "web") == (both,)
    assert snapshot.links_of(B.name, "web") == ()
    assert snapshot.policies["own"].cedar.startswith("permit")
    assert snapshot.operators[("https://issuer.example", "root")].role == "admin"
    assert len(snapshot.entries) == 6


async def test_an_empty_registry_is_a_snapshot_too(registry: Registry) -> None:
    await registry.load()
    assert (registry.snapshot.revision, registry.snapshot.entries) == (0, ())
    assert registry.fresh()


async def test_only_what_changed_is_read_again(gateway: Pool, registry: Registry) -> None:
    await change(gateway, Put(A), Put(B))
    await registry.load()
    before = registry.snapshot
    await change(gateway, Put(link()), Remove("connector", B.name))
    await registry.confirm()
    assert registry.snapshot is not before
    assert registry.snapshot.revision == 4
    assert registry.snapshot.connectors[A.name] is before.connectors[A.name]
    assert B.name not in registry.snapshot.connectors
    assert B.name in before.connectors


async def test_what_did_not_change_stays_the_same_object(gateway: Pool, registry: Registry) -> None:
    await change(gateway, Put(A))
    await registry.load()
    before = registry.snapshot
    await registry.confirm()
    assert registry.snapshot is before


async def test_nothing_is_fresh_before_it_was_read(registry: Registry) -> None:
    assert not registry.fresh()


async def test_what_was_not_confirmed_for_ten_seconds_is_not_fresh(registry: Registry, ticks: Ticks) -> None:
    await registry.load()
    ticks.now += 10
    assert registry.fresh()
    ticks.now += 0.1
    assert not registry.fresh()
    await registry.confirm()
    assert registry.fresh()
    assert not registry.fresh(ticks.now + 11)


async def test_a_confirmation_counts_from_when_it_was_asked_for(registry: Registry, ticks: Ticks, monkeypatch: pytest.MonkeyPatch) -> None:
    await registry.load()
    pool = registry._db

    class Slow:
        async def fetchval(self, query: str) -> Any:
            ticks.now += 11
            return await pool.fetchval(query)

    monkeypatch.setattr(registry, "_db", Slow())
    await registry.confirm()
    assert not registry.fresh()


@pytest.mark.parametrize("head", [1, 9])
async def test_an_older_database_that_comes_back_is_believed(gateway: Pool, registry: Registry, root: asyncpg.Connection, head: int) -> None:
    await change(gateway, Put(A), Put(B), Put(link()))
    await registry.load()
    await root.execute("DELETE FROM registry_entry WHERE kind = 'link'")
    await root.execute("UPDATE registry_head SET revision = $1", head)
    await root.execute("UPDATE registry_entry SET revision = 1, entry = jsonb_set(entry, '{installation}', '\"older\"')")
    await registry.confirm()
    assert registry.snapshot.revision == head
    assert not registry.snapshot.links
    assert registry.snapshot.connectors[B.name].installation == "older"
    assert head > 4 or registry.snapshot.connectors[A.name].installation == "older"


async def test_a_notification_brings_the_change_at_once(
    gateway: Pool, registry: Registry, root: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "EVERY", 60.0)
    await registry.load()
    async with running(registry):
        await until(lambda: root.fetchval("SELECT true FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"))
        await change(gateway, Put(A))
        await until(lambda: at(registry, 1))


async def test_without_a_notification_the_change_comes_by_itself(
    registry: Registry, root: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "EVERY", 0.05)
    await registry.load()
    async with running(registry):
        await root.execute("UPDATE registry_head SET revision = 9")
        await until(lambda: at(registry, 9))


async def test_a_database_that_goes_away_is_waited_for(registry: Registry, root: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "EVERY", 0.05)
    await registry.load()
    async with running(registry):
        await root.execute(CUT)
        await root.execute("UPDATE registry_head SET revision = 1")
        await until(lambda: at(registry, 1))
        await root.execute(CUT)
        await root.execute("UPDATE registry_head SET revision = 2")
        await until(lambda: at(registry, 2))


async def test_an_entry_that_cannot_be_read_is_no_confirmation(registry: Registry, root: asyncpg.Connection, ticks: Ticks) -> None:
    await registry.load()
    await root.execute("INSERT INTO registry_entry VALUES ('issuer', 'x', '{\"kind\": \"issuer\"}', 1); UPDATE registry_head SET revision = 1")
    async with running(registry) as task:
        ticks.now += 11
        await asyncio.sleep(0.3)
        assert not task.done()
        assert not registry.fresh()
        assert registry.snapshot.revision == 0


async def at(registry: Registry, revision: int) -> bool:
    return registry.snapshot.revision == revision


@asynccontextmanager
async def running(registry: Registry) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(registry.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
