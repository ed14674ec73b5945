"""What /v1 lists beside entries: orders, blocks, leaves; what tries and changes nothing; and what is said to a method that is none."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.gateway.conftest import Town
from tests.gateway.identities import bearer
from tests.gateway.rows import lent
from tests.gateway.test_roles import doors
from tests.gateway.test_v1_registry import get


async def pages(town: Town, path: str, member: str, subject: str = "viewer") -> AsyncIterator[list[Any]]:
    sign, cursor = "&" if "?" in path else "?", ""
    while cursor is not None:
        found = await get(town, f"{path}{sign}limit=2{cursor and f'&cursor={cursor}'}", subject)
        yield found[member]
        cursor = found["next"]


async def order(town: Town, subject: str = "operator", query: str = "", **predicate: str) -> Any:
    return (await town.http.post(f"/v1/revocations{query}", json={"predicate": predicate}, headers=bearer(subject))).json()


async def test_orders_are_listed_newest_first_and_ones_own_to_an_app(manned: Town):
    await manned.root.execute("TRUNCATE revocation_order")
    mine = await lent(manned.root)
    given = [(await order(manned, project=f"p{number}"))["id"] for number in range(4)]
    own = (await order(manned, "app", credential_id=str(mine)))["id"]

    found = [page async for page in pages(manned, "/v1/revocations", "revocations")]
    to_app = [page async for page in pages(manned, "/v1/revocations", "revocations", "app")]

    assert [len(page) for page in found] == [2, 2, 1]
    assert [one["id"] for page in found for one in page] == [own, *reversed(given)]
    assert [[one["id"] for one in page] for page in to_app] == [[own]]
    assert (found[0][0]["actor"]["role"], found[0][0]["predicate"]) == ("app", {"credential_id": str(mine)})


async def test_blocks_are_listed_and_one_is_lifted_as_it_was_seen(manned: Town):
    given = [(await order(manned, project=f"p{number}"))["accepted"]["blocked"] for number in range(3)]

    found = [page async for page in pages(manned, "/v1/blocks", "blocks")]
    path = f"/v1/blocks/{given[1]}"
    one = await manned.http.get(path, headers=bearer("viewer"))
    tried = await manned.http.delete(f"{path}?dry_run=true", headers=bearer("operator"))
    wrong = await manned.http.delete(path, headers=bearer("operator") | {"if-match": '"other"'})
    lifted = await manned.http.delete(path, headers=bearer("operator") | {"if-match": one.headers["etag"]})

    assert [[block["id"] for block in page] for page in found] == [given[:2], given[2:]]
    assert (one.json()["id"], one.json()["project"]) == (given[1], "p1")
    assert (tried.json()["dry_run"], wrong.status_code, lifted.json()["lifted"]) == (True, 412, True)
    assert (await get(manned, path))["code"] == "not_found"
    assert (await manned.http.delete(path, headers=bearer("operator"))).status_code == 404


async def test_to_lift_a_fence_may_be_tried_first(manned: Town):
    await order(manned, connector="postgres/demo")
    path, headers = "/v1/connectors/postgres/demo/unfence", bearer("operator")

    tried = await manned.http.post(f"{path}?dry_run=true", headers=headers)
    still = (await get(manned, "/v1/connectors/postgres/demo"))["state"]
    seen = (await manned.http.get("/v1/connectors/postgres/demo", headers=headers)).headers["etag"]
    wrong = await manned.http.post(path, headers=headers | {"if-match": '"0"'})
    lifted = await manned.http.post(path, headers=headers | {"if-match": seen})

    assert (tried.json()["dry_run"], tried.json()["state"], still) == (True, "active", "fenced")
    assert (wrong.status_code, lifted.json()["dry_run"]) == (412, False)
    assert (await get(manned, "/v1/connectors/postgres/demo"))["state"] == "active"
    assert (await manned.http.post("/v1/connectors/postgres/none/unfence", headers=headers)).status_code == 404


async def test_an_order_may_be_tried_by_the_address_too(manned: Town):
    tried = await order(manned, query="?dry_run=true", project="web")

    assert tried["would"] == {"block": {"project": "web"}}
    assert (await order(manned, query="?dry_run=yes", project="web"))["code"] == "malformed_request"
    assert (await get(manned, "/v1/blocks"))["blocks"] == []


async def test_leaves_are_paged_from_where_one_begins(manned: Town):
    numbers = "SELECT n, gen_random_uuid(), 'h', 'l', convert_to('leaf ' || n, 'UTF8') FROM generate_series(0, 9) n"
    await manned.root.execute(f"INSERT INTO audit_leaf {numbers} ON CONFLICT DO NOTHING")
    await manned.root.execute("INSERT INTO audit_head (size, edge, last_leaf, checkpoint) VALUES (9, 'e', 'l', 'note') ON CONFLICT DO NOTHING")

    every = [leaf["index"] async for page in pages(manned, "/v1/audit/leaves?from=0", "leaves") for leaf in page]
    last = await get(manned, "/v1/audit/leaves?limit=2")

    assert every == list(range(9))
    assert (len(last["leaves"]), last["next"]) == (2, None)


ODD = (
    "WyIyMDI2LTAxLTAxIiwgIngiXQ",
    "bm90aGluZw",
    "W10",
    "e30",
    "W251bGwsbnVsbF0",
    "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwgIjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCJd",
)


@pytest.mark.parametrize("cursor", ODD)
@pytest.mark.parametrize("path", ["credentials", "revocations", "blocks", "connectors", "providers", "audit/leaves"])
async def test_a_cursor_that_is_none_of_ours_is_an_error(manned: Town, path: str, cursor: str):
    answer = await manned.http.get(f"/v1/{path}?cursor={cursor}", headers=bearer("admin"))

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"])
async def test_a_method_that_an_address_does_not_have_is_told_those_that_it_has(manned: Town, method: str):
    documented: dict[str, set[str]] = {}
    for door in doors():
        known, _, path = door.partition(" ")
        documented.setdefault(path, set()).add(known)
    for path, methods in documented.items():
        there = path.replace("{name:path}", "a/b").replace("{name}", "a").replace("{id}", str(uuid4())).replace("{code}", "denied")
        there = there.replace("{level}", "0").replace("{tile:path}", "x001/000")
        if method in methods:
            continue
        answer = await manned.http.request(method, there)
        if answer.status_code == 401:
            assert (there, method) in SHARED
            continue
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed"), (there, method)
        assert methods <= set(answer.headers["allow"].split(", "))


SHARED = {(path, method) for path in ("/v1/policies/lint", "/v1/connectors/a/b/unfence") for method in ("GET", "PUT", "DELETE")}
"""To the other door of that form these are names."""
