"""Changing the registry, as the gateway's role on a real PostgreSQL."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from counterfoil.contracts.base import named
from counterfoil.contracts.registry import Ceiling, Issuer, Link, Mapped, Operator, Policy
from counterfoil.contracts.revocation_requested import Actor
from counterfoil_server.runtime.store import locks, registry_rows
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.store.registry_rows import BadChange, Block, Change, Fence, Note, Put, Remove, Unblock, Unfence
from tests.support.facts import connector, link
from tests.support.waiting import until

ACTOR = Actor(issuer="https://issuer.example", sub_hash="d" * 64, role="admin")
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
A, B = connector(), connector(name="github/acme")
ADMIN = Operator(issuer="https://issuer.example", subject="root", role="admin")


def issuer(name: str = "local", iss: str = "https://issuer.example") -> Issuer:
    return Issuer(name=name, issuer=iss, project=Mapped(claim="project"), environment=Mapped(claim="environment"))


def policy(cedar: str, name: str = "own") -> Policy:
    return Policy(name=name, cedar=cedar)


async def change(db: Pool, *changes: Change) -> int:
    return await registry_rows.change(db, changes, ACTOR, NOW)


async def revisions(db: Pool) -> dict[str, int]:
    return {row["name"]: row["revision"] for row in await db.fetch("SELECT name, revision FROM connector")}


async def standing(db: Pool, name: str = A.name) -> tuple[str, int]:
    row = await db.fetchrow("SELECT state, epoch FROM connector WHERE name = $1", name)
    return row["state"], row["epoch"]


async def test_each_change_has_a_revision_of_its_own_and_none_is_left_out(gateway: Pool) -> None:
    assert await change(gateway, Put(A), Put(link()), Put(issuer())) == 3
    assert await change(gateway, Remove("link", link().name)) == 4
    rows = await gateway.fetch("SELECT * FROM registry_change ORDER BY revision")
    assert [(row["revision"], row["change"], row["entry_kind"], row["name"]) for row in rows] == [
        (1, "put", "connector", A.name),
        (2, "put", "link", link().name),
        (3, "put", "issuer", "local"),
        (4, "removed", "link", link().name),
    ]
    assert [row["id"] for row in rows] == [named("registry", str(n)) for n in (1, 2, 3, 4)]
    assert rows[0]["actor"] == ACTOR.model_dump(mode="json")
    assert rows[3]["entry"] is None


async def test_what_changes_nothing_has_no_revision(gateway: Pool) -> None:
    await change(gateway, Put(A), Put(link()))
    assert await change(gateway, Put(A), Put(link()), Remove("policy", "none")) == 2
    assert await gateway.fetchval("SELECT count(*) FROM registry_change") == 2


async def test_concurrent_changes_leave_no_gap(gateway: Pool) -> None:
    await asyncio.gather(*(change(gateway, Put(connector(name=f"postgres/n{n}"))) for n in range(12)))
    found = [row["revision"] for row in await gateway.fetch("SELECT revision FROM registry_change ORDER BY revision")]
    assert found == list(range(1, 13))
    assert await gateway.fetchval("SELECT revision FROM registry_head") == 12


async def test_a_link_outdates_the_decisions_of_its_connector_only(gateway: Pool) -> None:
    await change(gateway, Put(A), Put(B))
    assert await change(gateway, Put(link())) == 3
    assert await revisions(gateway) == {A.name: 3, B.name: 2}
    await change(gateway, Remove("link", link().name))
    assert await revisions(gateway) == {A.name: 4, B.name: 2}


async def test_an_issuer_outdates_every_decision(gateway: Pool) -> None:
    await change(gateway, Put(A), Put(B))
    await change(gateway, Put(issuer()))
    assert await revisions(gateway) == {A.name: 3, B.name: 3}
    await change(gateway, Remove("issuer", "local"))
    assert await revisions(gateway) == {A.name: 4, B.name: 4}


async def test_an_operator_outdates_no_decision(gateway: Pool) -> None:
    await change(gateway, Put(A), Put(ADMIN))
    assert await revisions(gateway) == {A.name: 1}


@pytest.mark.parametrize(
    ("cedar", "expected"),
    [
        ('forbid (principal, action, resource == Connector::"github/acme");', {A.name: 1, B.name: 3}),
        ('forbid (principal, action, resource) when { resource == Connector::"github/acme" };', {A.name: 1, B.name: 3}),
        ("forbid (principal, action, resource) when { context.lifetime > 60 };", {A.name: 3, B.name: 3}),
        ('forbid (principal, action, resource) unless { resource == Connector::"github/acme" };', {A.name: 3, B.name: 3}),
    ],
)
async def test_a_policy_outdates_the_decisions_it_can_concern(gateway: Pool, cedar: str, expected: dict[str, int]) -> None:
    await change(gateway, Put(A), Put(B))
    await change(gateway, Put(policy(cedar)))
    assert await revisions(gateway) == expected


async def test_a_policy_that_is_rewritten_outdates_what_the_old_text_concerned(gateway: Pool) -> None:
    await change(gateway, Put(A), Put(B))
    await change(gateway, Put(policy(f'forbid (principal, action, resource == Connector::"{A.name}");')))
    assert await change(gateway, Put(policy(f'forbid (principal, action, resource == Connector::"{B.name}");'))) == 4
    assert await revisions(gateway) == {A.name: 4, B.name: 4}


async def test_a_removed_connector_is_fenced_and_its_row_stays(gateway: Pool) -> None:
    await change(gateway, Put(A))
    assert await standing(gateway) == ("active", 1)
    await change(gateway, Remove("connector", A.name))
    assert await standing(gateway) == ("fenced", 2)
    assert not await gateway.fetch("SELECT FROM registry_entry")
    await change(gateway, Put(A))
    assert await standing(gateway) == ("active", 3)


async def test_a_new_configuration_does_not_lift_a_fence(gateway: Pool) -> None:
    await change(gateway, Put(A))
    await change(gateway, Fence(A.name))
    assert await change(gateway, Put(connector(installation="other"))) == 3
    assert await standing(gateway) == ("fenced", 2)
    assert await revisions(gateway) == {A.name: 3}


async def test_a_fence_is_set_once_and_lifted_by_a_change(gateway: Pool) -> None:
    await change(gateway, Put(A))
    assert await change(gateway, Fence(A.name)) == 2
    assert await change(gateway, Fence(A.name)) == 2
    assert await standing(gateway) == ("fenced", 2)
    assert await change(gateway, Unfence(A.name)) == 3
    assert await change(gateway, Unfence(A.name)) == 3
    assert await standing(gateway) == ("active", 2)


async def test_a_connector_that_is_not_registered_is_not_unfenced(gateway: Pool) -> None:
    await change(gateway, Put(A))
    await change(gateway, Remove("connector", A.name))
    assert await change(gateway, Unfence(A.name)) == 2
    assert (await standing(gateway))[0] == "fenced"


async def test_a_block_is_set_and_lifted(gateway: Pool) -> None:
    block = Block(UUID(int=5), {"project": "web", "sub_hash": "c" * 64})
    assert await change(gateway, block) == 1
    assert await change(gateway, block) == 1
    row = await gateway.fetchrow("SELECT * FROM block")
    assert (row["project"], row["sub_hash"], row["connector"], row["since"], row["lifted_at"]) == ("web", "c" * 64, None, NOW, None)
    assert await change(gateway, Unblock(UUID(int=5))) == 2
    assert await gateway.fetchval("SELECT lifted_at FROM block") == NOW
    assert [row["change"] for row in await gateway.fetch("SELECT change FROM registry_change ORDER BY revision")] == ["blocked", "unblocked"]


async def test_a_change_may_stand_in_the_callers_own_transaction(gateway: Pool) -> None:
    await change(gateway, Put(A))
    async with gateway.acquire() as db:
        transaction = db.transaction()
        await transaction.start()
        assert await registry_rows.apply(db, [Fence(A.name), Note("secret_set", "secret", A.name, {"version": 1})], ACTOR, NOW) == 3
        await transaction.rollback()
    assert await standing(gateway) == ("active", 1)
    assert await gateway.fetchval("SELECT revision FROM registry_head") == 1


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([policy("forbid (")], "policy own"),
        ([policy("permit (principal == ?principal, action, resource);")], "template"),
        ([issuer(), issuer("twin")], "has this `issuer` already"),
        ([link()], "there is no connector"),
        ([A, link(environments=frozenset({"a", "b"})), link(environments=frozenset({"b", "c"}))], "one of these environments"),
        ([connector(config={"share": 0.5})], "float"),
        ([connector(config={"long": "x" * 200_000})], "more than"),
        ([Operator(issuer="i", subject="s", role="viewer")], "no admin"),
    ],
)
async def test_what_does_not_fit_is_refused_whole(gateway: Pool, entries: list[Any], words: str) -> None:
    with pytest.raises(BadChange, match=words):
        await change(gateway, Put(B), *(Put(entry) for entry in entries))
    assert await gateway.fetchval("SELECT revision FROM registry_head") == 0
    assert not await gateway.fetch("SELECT FROM registry_entry")


async def test_what_does_not_fit_with_what_is_there_is_refused(gateway: Pool) -> None:
    await change(gateway, Put(A), Put(issuer()), Put(link(environments=frozenset({"production", "preview"}))), Put(ADMIN))
    for bad in (issuer("twin"), link()):
        with pytest.raises(BadChange):
            await change(gateway, Put(bad))
    with pytest.raises(BadChange, match="no admin"):
        await change(gateway, Remove("operator", ADMIN.name))


async def test_a_link_can_be_replaced_in_one_step(gateway: Pool) -> None:
    both = link(environments=frozenset({"production", "preview"}))
    await change(gateway, Put(A), Put(both))
    split = Link(connector=A.name, project="web", environments=frozenset({"preview"}), ceiling=Ceiling(scopes=frozenset({"read"})))
    assert await change(gateway, Put(link()), Put(split), Remove("link", both.name)) == 5


async def test_sets_are_kept_in_one_order(gateway: Pool) -> None:
    await change(gateway, Put(connector(scopes=frozenset({"c", "a", "b"}))))
    assert (await gateway.fetchval("SELECT entry FROM registry_change"))["scopes"] == ["a", "b", "c"]


async def test_the_first_admin_comes_into_an_empty_registry_only(gateway: Pool) -> None:
    assert await registry_rows.first_admin(gateway, "https://issuer.example", "root", ACTOR, NOW) == 2
    rows = await gateway.fetch("SELECT entry_kind, name FROM registry_change ORDER BY revision")
    assert [tuple(row) for row in rows] == [("operator", "https://issuer.example|root"), ("issuer", "first-admin")]
    assert await registry_rows.first_admin(gateway, "https://other.example", "eve", ACTOR, NOW) == 2


async def test_the_first_admins_issuer_gives_way_to_a_proper_one(gateway: Pool) -> None:
    await registry_rows.first_admin(gateway, "https://issuer.example", "root", ACTOR, NOW)
    assert await change(gateway, Put(issuer())) == 4
    assert [row["name"] for row in await gateway.fetch("SELECT name FROM registry_entry WHERE kind = 'issuer'")] == ["local"]
    assert await registry_rows.first_admin(gateway, "https://issuer.example", "root", ACTOR, NOW) == 4


async def test_a_change_waits_for_those_who_hold_its_connector(gateway: Pool, root: asyncpg.Connection) -> None:
    await change(gateway, Put(A), Put(B))
    ids = {row["name"]: row["id"] for row in await root.fetch("SELECT id, name FROM connector")}
    async with root.transaction():
        await root.execute(locks.shared([ids[A.name]]))
        await change(gateway, Put(connector(name=B.name, installation="other")))
        waiting = asyncio.create_task(change(gateway, Put(link())))
        await until(lambda: root.fetchval(WAITING))
        assert not waiting.done()
        assert await root.fetchval("SELECT revision FROM connector WHERE name = $1", A.name) == 1
    assert await waiting == 4


async def test_a_block_waits_for_everyone_in_flight(gateway: Pool, root: asyncpg.Connection) -> None:
    async with root.transaction():
        await root.execute(locks.shared([]))
        waiting = asyncio.create_task(change(gateway, Block(UUID(int=6), {"project": "web"})))
        await until(lambda: root.fetchval(WAITING))
        assert not await root.fetchval("SELECT count(*) FROM block")
    assert await waiting == 1


@pytest.mark.parametrize("role", ["verifier", "policy", "mint", "revoke", "audit", "revoker"])
async def test_no_other_role_may_change_the_registry(as_role: Any, role: str) -> None:
    db = await as_role(role)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await change(db, Put(A))
