"""Fences and blocks while requests are in flight: what was accepted stops everything that comes after it, whatever is on its way."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from counterfoil.contracts import exchange_minted
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store import locks
from counterfoil_server.runtime.store.database import connect
from tests.support.stranger import stranger
from tests.support.topics import everything
from tests.support.town import Town

WISH = {"connector": "postgres/demo", "scopes": ["read"]}


@asynccontextmanager
async def provider_held_up(town: Town) -> AsyncIterator[None]:
    """The provider cannot make roles meanwhile, and everybody can still log in."""
    async with town.sql("demo") as db, db.transaction():
        await db.execute("LOCK TABLE pg_authid IN SHARE MODE")
        yield


async def minting(town: Town, request_hash: str) -> None:
    for _ in range(200):
        async with town.sql() as db:
            if await db.fetchval("SELECT state FROM mint WHERE request_hash = $1", request_hash) == "minting":
                return
        await asyncio.sleep(0.01)
    raise AssertionError("the intent was never written")


async def order(town: Town, **predicate: str) -> dict[str, Any]:
    answer = await town.http.post(f"{town.plan.url}/v1/revocations", json={"predicate": predicate, "cause": "test"}, headers=await town.admin())
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


async def settled(town: Town, order_id: str, within: float = 10.0) -> dict[str, Any]:
    for _ in range(int(within / 0.1)):
        found = (await town.http.get(f"{town.plan.url}/v1/revocations/{order_id}", headers=await town.admin())).json()
        if found["state"] == "revoked":
            return dict(found)
        await asyncio.sleep(0.1)
    raise AssertionError(found)


async def lift(town: Town, accepted: dict[str, Any]) -> None:
    if "blocked" in accepted:
        answer = await town.http.delete(f"{town.plan.url}/v1/blocks/{accepted['blocked']}", headers=await town.admin())
    else:
        answer = await town.http.post(f"{town.plan.url}/v1/connectors/postgres/demo/unfence", headers=await town.admin())
    assert answer.is_success, answer.text


async def role_of(town: Town, request_hash: str) -> bool:
    """Whether a role that this request made is alive."""
    async with town.sql() as db:
        ids = [row["credential_id"] for row in await db.fetch("SELECT credential_id FROM mint WHERE request_hash = $1", request_hash)]
        names = [f"cf_{UUID(str(one)).hex}" for one in ids]
        return bool(await db.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = ANY($1::text[]))", names))


async def stuck(town: Town) -> list[str]:
    """At this connector: a static key, of which another test may have lent one, is stuck by nature."""
    async with town.sql() as db:
        rows = await db.fetch("SELECT credential_id FROM mint WHERE connector = 'postgres/demo' AND state = 'stuck'")
        return [str(row["credential_id"]) for row in rows]


@pytest.mark.parametrize("wide", ["connector", "sub_hash", "project", "environment", "issuer"])
async def test_what_is_in_flight_falls_under_the_order_and_nobody_simply_asks_again(town: Town, wide: str):
    minted = town.connection.topic(exchange_minted.TOPIC)
    async with stranger(town) as one:
        first = await one.asked(WISH)
        assert first is not None
        assert first.fact is not None
        value = first.fact[wide]
        async with provider_held_up(town):
            question = await one.question(WISH)
            await one.send(question.record)
            await minting(town, question.request_hash)
            accepted = await order(town, **{wide: value})
        try:
            caught = await one.answer(question)
            assert caught is not None
            assert caught.credential is None
            assert (caught.problem or {})["code"] in {"revoked", "provider_unavailable", "provider_unknown"}
            kinds = {
                json.loads(seen.value)["kind"] for seen in await everything(town.connection, minted) if question.request_hash.encode() in seen.value
            }
            assert kinds == {"mint.refused"}
            again = await one.asked(WISH)
            assert again is not None
            assert (again.problem or {})["code"] == "revoked"
            assert again.credential is None
            done = await settled(town, accepted["id"])
            assert not await role_of(town, question.request_hash)
            assert not await role_of(town, first.fact["asked"]["request_hash"])
            assert done["counts"]["revoked"] >= 1
            assert not await stuck(town)
        finally:
            await lift(town, accepted["accepted"])
        served = await one.asked(WISH)
        assert served is not None
        assert served.credential is not None


async def test_a_fence_gets_its_turn_under_twelve_overlapping_holders(postgres: str):
    """With row locks the sharers keep passing the waiting fence; with the advisory lock it waits for those who are there, and no longer."""
    pool = await connect(Secret(postgres), name="fair", most=16)
    stop = asyncio.Event()

    async def holder() -> int:
        held = 0
        while not stop.is_set():
            async with pool.acquire() as db, locks.sharing(db, [4242]):
                await asyncio.sleep(0.02)
                held += 1
        return held

    async def fence() -> None:
        async with pool.acquire() as db, db.transaction():
            await db.execute("SET LOCAL lock_timeout = '3s'")
            await locks.exclude(db, 4242)

    holders = [asyncio.create_task(holder()) for _ in range(12)]
    try:
        for _ in range(20):
            await fence()
    finally:
        stop.set()
    assert min(await asyncio.gather(*holders)) > 0
    await pool.close()


async def test_a_paused_process_holds_up_no_fence(postgres: str):
    """Its transaction is ended for it."""
    pool = await connect(Secret(postgres), name="paused", most=2)
    async with pool.acquire() as paused, pool.acquire() as other:
        transaction = paused.transaction()
        await transaction.start()
        await paused.execute(locks.shared([4243]))
        async with other.transaction():
            await other.execute("SET LOCAL lock_timeout = '3s'")
            await locks.exclude(other, 4243)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
            await paused.fetchval("SELECT 1")
    await pool.close()


@pytest.mark.parametrize("predicate", [{"connector": "postgres/demo"}, {"project": "web"}, {"project": "web", "environment": "production"}])
async def test_after_accepted_no_intent_and_no_answer_with_a_credential_follows(town: Town, predicate: dict[str, str]):
    """Sixty requests race one fence, or one block."""
    async with stranger(town) as one:
        token = await town.id_token()
        questions = [await one.question(WISH, token=token, within=30) for _ in range(60)]

        async def flood() -> None:
            for question in questions:
                await one.send(question.record)
                await asyncio.sleep(0.005)

        flooding = asyncio.create_task(flood())
        await asyncio.sleep(0.1)
        accepted = await order(town, **predicate)
        try:
            await flooding
            answers = await asyncio.gather(*(one.answer(question, within=30) for question in questions))
            await settled(town, accepted["id"], within=40)
            async with town.sql() as db:
                late = await db.fetchval(
                    "SELECT count(*) FROM mint WHERE connector = 'postgres/demo' AND sent_at > $1::text::timestamptz", accepted["accepted"]["at"]
                )
                alive = await db.fetchval("SELECT count(*) FROM mint WHERE connector = 'postgres/demo' AND state IN ('active', 'minting')")
        finally:
            await lift(town, accepted["accepted"])
    assert late == 0
    assert alive == 0
    assert any((answer.problem or {}).get("code") == "revoked" for answer in answers if answer is not None)
