"""A user's GitHub, through every process: asked, agreed to, lent narrowed, ended one by one, and ended whole."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from tests.support.github_user import SECRET, GitHub
from tests.support.person import person
from tests.support.town import Town
from tests.support.waiting import until

FIELD = "client_secret"


@pytest.fixture
async def acme(town: Town, github_of_users: GitHub) -> str:
    """Registered as an operator would, and known to whoever sends people to agree."""
    name = f"github_user/d{uuid4().hex[:8]}"
    key = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).json()["mint_key"]["key"]
    sealed = Sealer().seal(Secret(SECRET), from_url(key.encode()), binding.root(name, "default", FIELD, 1))
    ceiling = {"scopes": ["contents:read", "issues:write"], "details": [{"type": "github", "repositories": ["*"]}], "longest": 3600, "users": True}
    entries = [
        {"kind": "connector", "name": name, "config": github_of_users.config()},
        {"kind": "link", "connector": name, "project": "web", "environments": ["production"], "ceiling": ceiling},
    ]
    root = {"connector": name, "installation": "default", "field": FIELD, "version": 1, "sealed": to_url(sealed).decode()}
    applied = await town.http.post(f"{town.plan.url}/v1/registry", json={"entries": entries, "secrets": [root]}, headers=await town.admin())
    assert applied.is_success, applied.text

    async def placed() -> bool:
        async with town.sql() as db:
            return bool(await db.fetchval("SELECT EXISTS (SELECT FROM consent_place WHERE connector = $1)", name))

    await until(placed)
    return name


async def asks(town: Town, acme: str, *repositories: str, scope: str = "contents:read", **more: Any) -> httpx.Response:
    details = json.dumps([{"type": "github", "repositories": list(repositories)}])
    return await town.ask(audience=acme, scope=scope, authorization_details=details, requested_lifetime=300, **more)


async def test_a_user_agrees_and_what_is_lent_is_narrowed_ended_alone_and_dies_with_their_grant(town: Town, github_of_users: GitHub, acme: str):
    bearer = {"Authorization": f"Bearer {await town.id_token()}"}

    async def sent() -> str | None:
        no = (await asks(town, acme, "acme/a", scope="contents:read issues:write", requested_subject="u-1")).json()
        return str(no["url"]) if no["code"] == "consent_required" else None

    await until(sent)
    async with person("octocat") as octocat:
        page = await octocat.agrees(await sent() or "")
    assert (page.status_code, "may now act for you" in page.text) == (200, True), page.text

    first, second, wide = [
        (await asks(town, acme, *named, scope=scope, requested_subject="u-1")).json()
        for named, scope in ((["acme/a"], "contents:read"), (["acme/a"], "contents:read"), (["acme/a", "acme/b"], "contents:read issues:write"))
    ]
    assert all("access_token" in one for one in (first, second, wide)), (first, second, wide)
    uses = [(one["access_token"], "GET", "/repos/acme/b/contents") for one in (first, wide)] + [
        (first["access_token"], "POST", "/repos/acme/a/issues")
    ]
    assert [await github_of_users.asks(*use) for use in uses] == [404, 200, 403]
    assert github_of_users.tokens.refreshed == 1
    assert (await asks(town, acme, "acme/none", requested_subject="u-1")).json()["code"] == "provider_refused"
    assert (await asks(town, acme, "acme/a")).json()["code"] == "provider_refused"  # on behalf of nobody

    await town.http.post(f"{town.plan.url}/oauth2/revoke", data={"token": first["credential_id"]}, headers=bearer)

    async def opens(lent: dict[str, Any]) -> bool:
        return await github_of_users.asks(lent["access_token"], "GET", "/repos/acme/a/contents") == 200

    async def ended() -> bool:
        return not await opens(first)

    await until(ended)
    assert await opens(second)

    (grant,) = (await town.http.get(f"{town.plan.url}/v1/grants", params={"connector": acme, "user": "u-1"}, headers=bearer)).json()["grants"]
    secret = [*github_of_users.tokens.held, *github_of_users.tokens.refreshes, first["access_token"], SECRET]
    assert (await town.http.delete(f"{town.plan.url}/v1/grants/{grant['grant_id']}", headers=bearer)).json()["state"] == "ending"

    async def over() -> bool:
        found = (await town.http.get(f"{town.plan.url}/v1/grants/{grant['grant_id']}", headers=bearer)).json()
        return found["state"] == "ended" and not await opens(second) and not await opens(wide)

    await until(over)
    assert (github_of_users.tokens.held, github_of_users.tokens.refreshes) == ({}, {})
    assert (await asks(town, acme, "acme/a", requested_subject="u-1")).json()["code"] == "consent_required"
    logs = town.logs()
    assert [one for one in secret if one.encode() in logs] == []
