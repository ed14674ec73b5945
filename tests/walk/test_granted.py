"""The main job, end to end: asked, granted, used, ended. Over HTTP and over the bus."""

import asyncio
import json
import time
from typing import Any

import asyncpg
import pytest

from counterfoil.wire.receipt import ReceiptChecker
from tests.support.sql import GONE
from tests.support.town import Town


async def alive(town: Town, role: str) -> bool:
    async with town.sql() as db:
        return bool(await db.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role))


async def told(town: Town, credential_id: str) -> dict[str, str]:
    """What the ledger says of it at last: it hears of an end a moment after the session has."""
    for _ in range(100):
        async with town.sql() as db:
            row = await db.fetchrow(
                "SELECT m.state, r.cause FROM mint m JOIN revocation r USING (credential_id) WHERE credential_id = $1", credential_id
            )
        if row and row["state"] != "revoking":
            return dict(row)
        await asyncio.sleep(0.05)
    raise AssertionError("the ledger still says that it is being ended")


async def dies(session: asyncpg.Connection, within: float) -> float:
    """Seconds until the session is dead; asserts that it is in time."""
    began = time.monotonic()
    while time.monotonic() - began < within:
        try:
            await session.fetchval("SELECT 1")
        except GONE:
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    raise AssertionError(f"the session is still alive after {within} s")


async def test_over_http_a_token_becomes_a_role_that_logs_in_and_dies_when_it_is_revoked(town: Town):
    answer = await town.ask(scope="read", requested_lifetime=300)
    body = answer.json()
    assert answer.status_code == 200, body
    assert answer.headers["cache-control"] == "no-store"
    assert body["token_type"] == "N_A"
    assert 290 < body["expires_in"] <= 300
    session = await asyncpg.connect(body["access_token"])
    assert await session.fetchval("SELECT current_user") == body["credential"]["username"]
    assert await session.fetchval("SELECT count(*) FROM shop.customers") == 3
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await session.execute("INSERT INTO shop.customers VALUES (9, 'x', 'y')")

    bearer = {"Authorization": f"Bearer {await town.id_token()}"}
    revoked = await town.http.post(f"{town.plan.url}/oauth2/revoke", data={"token": body["credential_id"]}, headers=bearer)

    assert revoked.status_code == 200, revoked.text
    await dies(session, 5)
    with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
        await asyncpg.connect(body["access_token"])
    assert not await alive(town, body["credential"]["username"])


async def test_over_the_bus_the_same_call_gives_the_same_thing_and_the_block_ends_it(town: Town):
    async with town.client() as client:
        async with client.credential("postgres/demo", scopes=["read"], lifetime=300) as credential:
            session = await asyncpg.connect(credential.reveal())
            assert await session.fetchval("SELECT count(*) FROM shop.products") == 3
        await dies(session, 5)


async def test_a_session_held_past_its_lifetime_is_dead_within_five_seconds(town: Town):
    body = (await town.ask(scope="read", requested_lifetime=2)).json()
    session = await asyncpg.connect(body["access_token"])
    await asyncio.sleep(2)

    await dies(session, 5)

    with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)):
        await asyncpg.connect(body["access_token"])
    assert await told(town, body["credential_id"]) == {"state": "expired", "cause": "expired"}


async def test_details_narrow_to_a_table(town: Town):
    detail = [{"type": "postgres", "tables": ["shop.products"], "actions": ["read"]}]
    body = (await town.ask(scope=None, authorization_details=json.dumps(detail))).json()
    session = await asyncpg.connect(body["access_token"])
    assert await session.fetchval("SELECT count(*) FROM shop.products") == 3
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await session.fetch("SELECT * FROM shop.customers")
    await session.close()


async def test_the_receipt_proves_itself_with_the_public_log_key_alone(town: Town):
    known = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).json()
    body = (await town.ask(scope="read")).json()

    leaf = ReceiptChecker(known["log_keys"]).check(body["receipt"]["leaf"].encode(), body["receipt"]["proof"])

    assert leaf["fact"]["credential_id"] == body["credential_id"]
    assert leaf["fact"]["asked"]["request_id"] == body["request_id"]


async def test_every_stage_left_a_leaf_and_the_audit_tail_shows_them(town: Town):
    body = (await town.ask(scope="read")).json()
    answer = await town.http.get(f"{town.plan.url}/v1/audit/leaves", params={"limit": 200}, headers=await town.admin())
    facts: list[dict[str, Any]] = [json.loads(one["leaf"])["fact"] for one in answer.json()["leaves"]]
    mine = [fact["kind"] for fact in facts if fact.get("asked", {}).get("request_id") == body["request_id"]]
    assert mine == ["identity.verified", "grant.approved", "credential.minted"]


async def test_the_same_request_id_again_never_leaves_two_live_credentials(town: Town):
    first = (await town.ask(scope="read")).json()
    again = await town.ask(scope="read", request_id=first["request_id"])
    assert again.status_code in {502, 503}, again.text
    assert again.json()["code"] == "already_answered"
    assert again.json()["retryable"] is True
    for _ in range(100):
        if not await alive(town, first["credential"]["username"]):
            break
        await asyncio.sleep(0.05)
    assert not await alive(town, first["credential"]["username"])


async def test_fifty_at_once_each_get_their_own(town: Town):
    async with town.client() as client:
        credentials = await asyncio.gather(*(client.exchange("postgres/demo", scopes=["read"], lifetime=60) for _ in range(50)))
    assert len({str(one.credential_id) for one in credentials}) == 50
    async with town.sql() as db:
        states = await db.fetch(
            "SELECT DISTINCT state FROM mint WHERE credential_id = ANY($1::uuid[])", [str(one.credential_id) for one in credentials]
        )
    assert [row["state"] for row in states] == ["active"]
