"""Every kind of entry, one by one: read, put, removed; and nobody overwrites what they have not seen."""

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from counterfoil_server.runtime.store import locks
from tests.gateway.conftest import Town
from tests.gateway.identities import CONFIG, ISSUER, bearer
from tests.gateway.test_v1_registry import get, put

MINT = 'action == Action::"mint"'
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "issuers": ("other", {"issuer": "https://other.example", "project": {"value": "x"}, "environment": {"claim": "env"}}, {"max_age": 60}),
    "connectors": ("postgres/other", {"config": CONFIG}, {"scopes": ["read"]}),
    "installations": ("postgres/demo@archive", {"config": CONFIG | {"database": "archive"}}, {"config": CONFIG | {"port": 5433}}),
    "links": (
        "web/preview->postgres/demo",
        {"connector": "postgres/demo", "project": "web", "environments": ["preview"], "ceiling": {"scopes": []}},
        {"entitled": False},
    ),
    "policies": ("night", {"cedar": f"forbid (principal, {MINT}, resource);"}, {"cedar": f"permit (principal, {MINT}, resource);"}),
    "operators": (f"{ISSUER}|ada|2", {"role": "viewer"}, {"role": "operator"}),
}
every = pytest.mark.parametrize("kind", CASES)


def address(kind: str) -> str:
    return f"/v1/{kind}/{quote(CASES[kind][0], safe='/')}"


async def send(town: Town, method: str, path: str, given: Any = None, subject: str = "admin", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await town.http.request(method, path, json=given, headers=bearer(subject) | named)


@every
async def test_it_is_made_read_changed_and_removed(manned: Town, kind: str):
    name, first, more = CASES[kind]

    made = await send(manned, "PUT", address(kind), first)
    read = await send(manned, "GET", address(kind))
    again = await send(manned, "PUT", address(kind), first, If_Match=read.headers["etag"])
    changed = await send(manned, "PUT", address(kind), first | more, If_Match=read.headers["etag"])
    names = {one["name"] for one in (await get(manned, f"/v1/{kind}"))[kind]}
    gone = await send(manned, "DELETE", address(kind), If_Match=changed.headers["etag"])

    assert [made.json()["changes"][0]["change"], again.json()["changes"][0]["change"]] == ["created", "same"]
    assert (read.json()["name"], read.headers["etag"]) == (name, made.headers["etag"])
    assert again.headers["etag"] == read.headers["etag"] != changed.headers["etag"]
    assert name in names
    assert gone.json()["changes"] == [{"kind": read.json()["kind"], "name": name, "change": "removed"}]
    assert (await send(manned, "GET", address(kind))).status_code == (await send(manned, "DELETE", address(kind))).status_code == 404


@every
async def test_a_dry_run_finds_what_stands_in_the_way_and_leaves_nothing(manned: Town, kind: str):
    _, first, _ = CASES[kind]
    before = await get(manned, "/v1/registry")

    tried = await send(manned, "PUT", f"{address(kind)}?dry_run=true", first)
    missing = await send(manned, "DELETE", f"{address(kind)}?dry_run=true")
    await send(manned, "PUT", address(kind), first)
    there = await get(manned, "/v1/registry")
    removed = await send(manned, "DELETE", f"{address(kind)}?dry_run=true")

    assert (tried.json()["dry_run"], tried.json()["changes"][0]["change"], "etag" in tried.headers) == (True, "created", False)
    assert (missing.status_code, removed.json()["changes"][0]["change"]) == (404, "removed")
    assert there["revision"] == before["revision"] + 1
    assert await get(manned, "/v1/registry") == there


@every
async def test_what_was_changed_in_between_is_not_overwritten(manned: Town, kind: str):
    _, first, more = CASES[kind]
    await send(manned, "PUT", address(kind), first, If_None_Match="*")
    seen = (await send(manned, "GET", address(kind))).headers["etag"]
    await send(manned, "PUT", address(kind), first | more)

    late = [await send(manned, method, address(kind), first, If_Match=seen) for method in ("PUT", "DELETE")]
    late.append(await send(manned, "PUT", address(kind), first, If_None_Match="*"))
    now = (await send(manned, "GET", address(kind))).headers["etag"]

    for answer in late:
        assert (answer.status_code, answer.json()["code"], answer.json()["etag"]) == (412, "precondition_failed", now)
    assert (await send(manned, "PUT", address(kind), first, If_Match=f'"7", {now}')).status_code == 200
    assert (await send(manned, "PUT", address(kind), first, If_Match=f"W/{now}")).status_code == 412
    await send(manned, "DELETE", address(kind), If_Match="*")
    assert (await send(manned, "PUT", address(kind), first, If_Match="*")).json()["message"] == "it is not there"


@pytest.mark.parametrize("headers", [{"If_Match": "7"}, {"If_Match": '"a" "b"'}, {"If_None_Match": '"7"'}, {"If_Match": ""}])
async def test_a_precondition_that_is_none_is_an_error(manned: Town, headers: dict[str, str]):
    answer = await send(manned, "PUT", address("policies"), CASES["policies"][1], **headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


async def test_of_two_who_saw_the_same_one_wins(manned: Town):
    """Both are past the door and wait for the lock when it is let go: what decides is looked at after it."""
    await send(manned, "PUT", address("policies"), CASES["policies"][1])
    seen = (await send(manned, "GET", address("policies"))).headers["etag"]
    async with manned.root.transaction():
        await locks.registry(manned.root)
        texts = [f'forbid (principal, {MINT}, resource == Connector::"postgres/{number}");' for number in range(3)]
        race = [asyncio.create_task(send(manned, "PUT", address("policies"), {"cedar": text}, If_Match=seen)) for text in texts]
        await waiting(manned, 3)

    answers = [await one for one in race]

    assert sorted(one.status_code for one in answers) == [200, 412, 412]
    won = texts[[one.status_code for one in answers].index(200)]
    assert (await get(manned, "/v1/policies/night"))["cedar"] == won


async def test_of_two_who_create_one_does(manned: Town):
    async with manned.root.transaction():
        await locks.registry(manned.root)
        race = [asyncio.create_task(send(manned, "PUT", address("policies"), CASES["policies"][1], If_None_Match="*")) for _ in range(2)]
        await waiting(manned, 2)

    assert sorted([(await one).status_code for one in race]) == [200, 412]


async def waiting(town: Town, number: int) -> None:
    async with asyncio.timeout(10):
        while await town.db.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") < number:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)


async def test_the_whole_registry_has_a_tag_too(manned: Town):
    seen = (await send(manned, "GET", "/v1/registry")).headers["etag"]
    entry = {"kind": "policy", "name": "night", **CASES["policies"][1]}

    first = await send(manned, "POST", "/v1/registry", {"entries": [entry]}, If_Match=seen)
    second = await send(manned, "POST", "/v1/registry", {"entries": []}, If_Match=seen)

    assert (first.status_code, second.status_code) == (200, 412)
    assert first.headers["etag"] == second.json()["etag"] == (await send(manned, "GET", "/v1/registry")).headers["etag"]


async def test_every_change_is_logged_with_who_made_it(manned: Town):
    await send(manned, "PUT", address("operators"), CASES["operators"][1])
    await send(manned, "DELETE", address("operators"))

    rows = await manned.db.fetch("SELECT change, entry_kind, name, actor FROM registry_change ORDER BY revision DESC LIMIT 2")
    assert [(row["change"], row["entry_kind"], row["name"]) for row in rows] == [
        ("removed", "operator", CASES["operators"][0]),
        ("put", "operator", CASES["operators"][0]),
    ]
    assert {row["actor"]["role"] for row in rows} == {"admin"}


async def test_lists_come_in_pages(manned: Town):
    names = [f"p{number:02}" for number in range(7)]
    await put(manned, entries=[{"kind": "policy", "name": name, "cedar": f"forbid (principal, {MINT}, resource);"} for name in names])

    pages, cursor = [], ""
    while cursor is not None:
        found = await get(manned, f"/v1/policies?limit=3{cursor and f'&cursor={cursor}'}")
        pages.append([one["name"] for one in found["policies"]])
        cursor = found["next"]

    assert pages == [names[:3], names[3:6], names[6:]]
    assert [(await get(manned, f"/v1/policies?{odd}"))["code"] for odd in ("cursor=e30", "cursor=zz", "limit=-1", "colour=green")] == [
        "malformed_request"
    ] * 4


async def test_a_connector_stays_while_something_leads_to_it(manned: Town):
    await send(manned, "PUT", address("installations"), CASES["installations"][1])

    refused = await send(manned, "DELETE", "/v1/connectors/postgres/demo")
    for path in ("/v1/links/web/production->postgres/demo", address("installations")):
        await send(manned, "DELETE", path)
    removed = await send(manned, "DELETE", "/v1/connectors/postgres/demo")

    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert refused.json()["fix"] == "Delete these first: installation postgres/demo@archive, link web/production->postgres/demo."
    assert removed.status_code == 200


async def test_nobody_is_locked_out(manned: Town):
    role = await send(manned, "PUT", f"/v1/operators/{ISSUER}|admin", {"role": "viewer"})
    operator = await send(manned, "DELETE", f"/v1/operators/{ISSUER}|admin")
    issuer = await send(manned, "DELETE", "/v1/issuers/example")

    assert [one.json()["code"] for one in (role, operator, issuer)] == ["bad_change"] * 3
    assert "no admin" in issuer.json()["message"]


async def test_a_policy_that_makes_no_sense_is_refused_with_its_line(manned: Town):
    text = f'permit (principal, {MINT}, resource)\nwhen {{ context.lifetim < 60 && principal.rol == "a" }};'

    for answer in (
        await send(manned, "PUT", "/v1/policies/p", {"cedar": text}),
        await put(manned, entries=[{"kind": "policy", "name": "p", "cedar": text}]),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_change")
        assert answer.json()["message"].startswith("policy p: line 2:")
        assert {one["line"] for one in answer.json()["errors"]} == {2}
    assert (await get(manned, "/v1/policies"))["policies"] == []


async def test_a_policy_that_may_fail_is_taken_with_a_warning(manned: Town):
    text = f'permit (principal, {MINT}, resource) when {{ context.claims.ref == "main" }};'

    tried = await send(manned, "POST", "/v1/policies/lint", {"cedar": text}, subject="viewer")
    taken = await send(manned, "PUT", "/v1/policies/p", {"cedar": text})

    assert (tried.json()["valid"], tried.json()["actions"]) == (True, ["mint"])
    assert [one["message"] for one in taken.json()["warnings"]] == [one["message"] for one in tried.json()["warnings"]] != []
    assert (await send(manned, "POST", "/v1/policies/lint", {"cedar": "permit"})).json()["errors"][0]["line"] == 1


async def test_what_is_exported_is_what_can_be_applied(manned: Town):
    for kind, (_, first, _) in CASES.items():
        await send(manned, "PUT", address(kind), first)
    await put(manned, secrets=[{"connector": "postgres/demo", "field": "password", "sealed": "c2VhbGVkLWNhbmFyeQ"}])
    exported = await get(manned, "/v1/registry")
    kept = [one for one in exported["entries"] if one["kind"] in ("issuer", "operator") and one["name" if "name" in one else "subject"] != "other"]

    same = await put(manned, entries=exported["entries"], replace=True)
    await put(manned, entries=kept, replace=True)
    emptied = await get(manned, "/v1/registry")
    await put(manned, entries=exported["entries"], replace=True)

    assert {one["change"] for one in same.json()["changes"]} == {"same"}
    assert len(emptied["entries"]) < len(exported["entries"])
    assert (await get(manned, "/v1/registry"))["entries"] == exported["entries"]
    assert "canary" not in str(exported)
    assert "c2VhbGVk" not in str(exported)
