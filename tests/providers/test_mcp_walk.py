"""An MCP server through every process: agreed to, one token for all that ask for the same user, and dead when they end it."""

from typing import Any
from uuid import uuid4

import httpx

from tests.support.mcp import Notes
from tests.support.person import person
from tests.support.town import Town
from tests.support.waiting import until


async def connect(town: Town, notes: Notes) -> str:
    name, client = f"mcp/d{uuid4().hex[:8]}", await notes.register(f"{town.plan.url}/consent/back", method="none")
    config = notes.config(client_id=client["client_id"], issuer=None)
    ceiling = {"scopes": ["notes.read"], "longest": 3600, "users": True}
    entries = [
        {"kind": "connector", "name": name, "config": config, "scopes": ["notes.read"]},
        {"kind": "link", "connector": name, "project": "web", "environments": ["production"], "ceiling": ceiling},
    ]
    applied = await town.http.post(f"{town.plan.url}/v1/registry", json={"entries": entries}, headers=await town.admin())
    assert applied.is_success, applied.text

    async def placed() -> bool:
        async with town.sql() as db:
            return bool(await db.fetchval("SELECT EXISTS (SELECT FROM consent_place WHERE connector = $1)", name))

    await until(placed)
    return name


async def test_an_mcp_server_is_lent_to_all_that_ask_for_the_same_user_without_a_second_refresh(town: Town, notes: Notes):
    name = await connect(town, notes)

    async def asks() -> httpx.Response:
        return await town.ask(audience=name, scope="notes.read", requested_subject="u-1", requested_lifetime=300)

    no = await asks()
    assert no.json()["error"] == "consent_required", no.text
    async with person() as ada:
        assert "may now act for you" in (await ada.follow(no.json()["url"])).text
    first, second = (await asks()).json(), (await asks()).json()

    assert first["access_token"] == second["access_token"]
    assert first["credential_id"] != second["credential_id"]
    assert await notes.opens(first["access_token"])
    headers = {"Authorization": f"Bearer {await town.id_token()}"}
    await town.http.post(f"{town.plan.url}/oauth2/revoke", data={"token": first["credential_id"]}, headers=headers)
    await until(lambda: state_is(town, first["credential_id"], "uncertain"))
    assert await notes.opens(second["access_token"])

    (grant,) = (await town.http.get(f"{town.plan.url}/v1/grants", params={"connector": name}, headers=headers)).json()["grants"]
    await town.http.delete(f"{town.plan.url}/v1/grants/{grant['grant_id']}", headers=headers)

    await until(lambda: state_is(town, second["credential_id"], "revoked"))
    assert not await notes.opens(second["access_token"])
    assert first["access_token"].encode() not in town.logs()


async def state_is(town: Town, credential_id: Any, state: str) -> bool:
    async with town.sql() as db:
        return bool(await db.fetchval("SELECT state = $2 FROM mint WHERE credential_id = $1", credential_id, state))
