"""/v1 on the whole town: what explain says is what comes of it, and what an operator changes is in the audit log."""

import asyncio
import json
from typing import Any

import pytest

from tests.support.town import Town

NIGHT = 'forbid (principal, action == Action::"mint", resource == Connector::"postgres/demo") when { context.lifetime == 77 };'
WISHES: dict[str, tuple[dict[str, Any], str | None]] = {
    "within": ({"scopes": ["read"], "lifetime": 60}, None),
    "the defaults": ({}, None),
    "details": ({"scopes": ["read"], "details": [{"type": "postgres", "schemas": ["shop"]}]}, None),
    "beyond in scopes": ({"scopes": ["read", "admin"]}, "beyond_ceiling"),
    "beyond in time": ({"scopes": ["read"], "lifetime": 9999}, "beyond_ceiling"),
    "forbidden": ({"scopes": ["read"], "lifetime": 77}, "forbidden"),
    "an installation": ({"scopes": ["read"], "installation": "other"}, "beyond_ceiling"),
}


async def explain(town: Town, **given: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {given.pop('token', None) or await town.id_token()}"}
    answer = await town.http.post(f"{town.plan.url}/v1/explain", json={"connector": "postgres/demo", **given}, headers=headers)
    return dict(answer.raise_for_status().json())


def form(wish: dict[str, Any]) -> dict[str, str]:
    found = {name: str(wish[key]) for name, key in (("requested_lifetime", "lifetime"), ("installation", "installation")) if key in wish}
    found |= {"scope": " ".join(wish["scopes"])} if "scopes" in wish else {}
    return found | ({"authorization_details": json.dumps(wish["details"])} if "details" in wish else {})


@pytest.fixture
async def night(town: Town) -> Any:
    """A policy that stands everywhere: at the gateway and in the policy service."""
    revision = (await town.apply({"kind": "policy", "name": "night", "cedar": NIGHT}))["revision"]
    await settled(town, revision)
    yield revision
    await town.http.delete(f"{town.plan.url}/v1/policies/night", headers=await town.admin())


async def settled(town: Town, revision: int) -> None:
    """Until mint takes decisions of this revision."""
    async with asyncio.timeout(20):
        while (await explain(town))["revision"] < revision or (await town.ask()).status_code != 200:  # noqa: ASYNC110 - processes
            await asyncio.sleep(0.1)


async def test_what_explain_says_is_what_comes_of_it(town: Town, night: int):
    for name, (wish, code) in WISHES.items():
        said, answer = await explain(town, **wish), await town.ask(**form(wish))

        assert (said["granted"], said["code"]) == (code is None, code), name
        assert said["revision"] >= night
        came = answer.json()
        if code is None:
            assert sorted(came["scope"].split()) == said["scopes"], name
            assert abs(came["expires_in"] - said["lifetime"]) <= 5
            assert came["authorization_details"] == said["details"]
        else:
            assert (came["code"], came.get("rule")) == (code, said["rule"]), name
            assert came.get("nearest") == said["nearest"]
            assert came.get("beyond", []) == said["beyond"]


async def test_who_is_not_linked_is_told_the_same_by_both(town: Town):
    token = await town.id_token(project="stranger")
    codes = {}
    for connector in ("postgres/demo", "postgres/nothing"):
        said, came = await explain(town, token=token, connector=connector), (await town.ask(token, audience=connector)).json()
        codes[connector] = (said["code"], came["code"])

    assert set(codes.values()) == {("denied", "denied")}


async def test_a_change_is_in_the_audit_log_with_who_made_it(town: Town):
    admin = await town.admin()
    put = await town.http.put(f"{town.plan.url}/v1/operators/{town.plan.issuer}|ada", json={"role": "viewer"}, headers=admin)
    revision = put.raise_for_status().json()["revision"]

    async with asyncio.timeout(20):
        while not (found := [one for one in await leaves(town, admin) if one.get("revision") == revision]):  # noqa: ASYNC110 - a process
            await asyncio.sleep(0.1)

    assert (found[0]["kind"], found[0]["change"], found[0]["entry_kind"]) == ("registry.changed", "put", "operator")
    assert (found[0]["actor"]["role"], found[0]["entry"]["role"]) == ("admin", "viewer")


async def leaves(town: Town, headers: dict[str, str]) -> list[dict[str, Any]]:
    """All of the log, by pages."""
    found, query = [], "from=0"
    while query:
        page = (await town.http.get(f"{town.plan.url}/v1/audit/leaves?{query}&limit=500", headers=headers)).raise_for_status().json()
        found += [json.loads(one["leaf"])["fact"] for one in page["leaves"]]
        query = f"cursor={page['next']}" if page["next"] else ""
    return found


async def test_the_demo_is_what_its_provider_declares_and_can_be_read_back(town: Town):
    """`make up` declares it by the same door."""
    admin = await town.admin()
    exported = (await town.http.get(f"{town.plan.url}/v1/registry", headers=admin)).json()

    again = await town.http.post(f"{town.plan.url}/v1/registry?dry_run=true", json={"entries": exported["entries"], "replace": True}, headers=admin)

    assert {one["change"] for one in again.raise_for_status().json()["changes"]} == {"same"}
    assert (await town.http.get(f"{town.plan.url}/openapi.json")).json()["servers"] == [{"url": town.plan.url}]
