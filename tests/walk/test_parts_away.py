"""What happens when a part is down: an answer with its own code, nothing half done, and everything goes on when it is back."""

import asyncio
import os
import signal

import asyncpg
import httpx
import pytest

from counterfoil.client.errors import CounterfoilError
from tests.support.demo import BROKER_PASSWORD
from tests.support.stranger import stranger
from tests.support.town import Town
from tests.walk.test_fence_and_block import minting, provider_held_up, role_of

WISH = {"connector": "postgres/demo", "scopes": ["read"]}


async def intents(town: Town) -> int:
    async with town.sql() as db:
        return int(await db.fetchval("SELECT count(*) FROM mint"))


async def test_without_audit_nothing_is_minted_and_nothing_delivered(town: Town):
    await town.stop("audit")
    try:
        await asyncio.sleep(6)
        before = await intents(town)
        answer = await town.ask(scope="read")
        async with stranger(town) as one:
            question = await one.question(WISH, within=4)
            await one.send(question.record)
            assert await one.answer(question, within=4) is None
        assert answer.status_code == 503
        assert answer.json()["code"] == "audit_unavailable"
        assert answer.json()["error"] == "temporarily_unavailable"
        assert await intents(town) == before
    finally:
        await town.start("audit")
    for _ in range(100):
        if (back := await town.ask(scope="read")).status_code == 200:
            break
        await asyncio.sleep(0.2)
    assert back.status_code == 200, back.text


async def test_a_gateways_restart_revokes_no_one_elses_and_nothing_that_was_handed_over(town: Town):
    """A bus client shares the gateway's partition."""
    async with town.client(reply_partition=0) as client:
        theirs = await client.exchange("postgres/demo", scopes=["read"], lifetime=120)
        handed = (await town.ask(scope="read", requested_lifetime=120)).json()
        await town.stop("gateway")
        await town.start("gateway")
        await asyncio.sleep(2)
        for dsn in (theirs.reveal(), handed["access_token"]):
            session = await asyncpg.connect(dsn)
            assert await session.fetchval("SELECT 1") == 1
            await session.close()
    async with town.sql() as db:
        ids = [str(theirs.credential_id), handed["credential_id"]]
        assert await db.fetchval("SELECT count(*) FROM revocation WHERE credential_id = ANY($1::text[]::uuid[])", ids) == 0


async def test_what_a_killed_gateway_never_handed_over_is_revoked(town: Town):
    async with provider_held_up(town):
        asking = asyncio.create_task(town.ask(scope="read", requested_lifetime=600))
        async with town.sql() as db:
            for _ in range(300):
                if request_hash := await db.fetchval("SELECT request_hash FROM mint WHERE state = 'minting'"):
                    break
                await asyncio.sleep(0.01)
        os.kill(town.child("gateway").process.pid, signal.SIGKILL)
    with pytest.raises(httpx.HTTPError):
        await asking
    await asyncio.sleep(0.5)
    await town.children.forget(town.child("gateway"))
    await town.start("gateway")
    for _ in range(100):
        if not await role_of(town, request_hash):
            break
        await asyncio.sleep(0.1)
    assert not await role_of(town, request_hash)


async def test_a_provider_that_refuses_us_has_its_own_code_and_is_used_again_when_it_lets_us_in(town: Town):
    async with town.sql("demo") as db:
        await db.execute("ALTER ROLE demo_broker NOLOGIN")
        await db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'demo_broker'")
        try:
            answer = await town.ask(scope="read")
        finally:
            await db.execute("ALTER ROLE demo_broker LOGIN")
    assert answer.status_code in {502, 503}
    assert answer.json()["code"] in {"provider_refused", "provider_unavailable"}
    assert BROKER_PASSWORD not in answer.text
    assert (await town.ask(scope="read")).status_code == 200


async def test_a_provider_that_is_too_slow_is_given_up_on_and_leaves_nothing_alive(town: Town):
    async with stranger(town) as one:
        async with provider_held_up(town):
            question = await one.question(WISH)
            await one.send(question.record)
            await minting(town, question.request_hash)
            opened = await one.answer(question)
        assert opened is not None
        assert (opened.problem or {})["code"] in {"provider_unavailable", "provider_unknown"}
        for _ in range(100):
            async with town.sql() as db:
                states = {row["state"] for row in await db.fetch("SELECT state FROM mint WHERE request_hash = $1", question.request_hash)}
            if states <= {"failed", "revoked"}:
                break
            await asyncio.sleep(0.1)
    assert states <= {"failed", "revoked"}
    assert not await role_of(town, question.request_hash)


async def test_a_provider_that_is_down_has_its_own_code(town: Town):
    config = {"host": "127.0.0.1", "port": 1, "database": "demo", "broker": "demo_broker", "schemas": ["shop"]}
    await town.apply(
        {"kind": "connector", "name": "postgres/down", "config": config, "scopes": ["read"]},
        {"kind": "link", "connector": "postgres/down", "project": "web", "environments": ["production"], "ceiling": {"scopes": ["read"]}},
    )
    async with town.client() as client:
        with pytest.raises(CounterfoilError) as caught:
            await client.exchange("postgres/down", scopes=["read"])
    assert caught.value.code == "provider_unavailable"
    assert (await town.ask(scope="read")).status_code == 200


async def test_a_killed_stage_comes_back_and_goes_on_where_it_was(town: Town):
    for role in ("verifier", "policy", "mint", "audit", "revoker", "revoke"):
        os.kill(town.child(role).process.pid, signal.SIGKILL)
        await town.children.forget(town.child(role))
        await town.start(role)
    for _ in range(60):
        if (back := await town.ask(scope="read")).status_code == 200:
            break
        await asyncio.sleep(0.5)
    assert back.status_code == 200, back.text
