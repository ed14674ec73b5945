"""The registry at /v1: declared, compared, refused; root secrets go in sealed and never come out."""

import time
from typing import Any

import httpx
import pytest

from counterfoil.wire.armor import to_url
from services.gateway import registry_book
from services.gateway.vetting import vet
from tests.gateway.conftest import Town
from tests.gateway.identities import CONFIG, bearer
from tests.gateway.rows import lent

OTHER = {"kind": "connector", "name": "postgres/other", "scopes": ["read"], "config": CONFIG}
LINK = {"kind": "link", "connector": "postgres/other", "project": "web", "environments": ["preview"], "ceiling": {"scopes": ["read"]}}


async def put(town: Town, subject: str = "admin", **given: Any) -> httpx.Response:
    return await town.http.post("/v1/registry", json=given, headers=bearer(subject))


async def get(town: Town, path: str, subject: str = "viewer") -> Any:
    return (await town.http.get(path, headers=bearer(subject))).json()


async def test_entries_are_put_as_a_whole_and_the_difference_is_said(manned: Town):
    first = (await put(manned, entries=[LINK, OTHER])).json()
    second = (await put(manned, entries=[LINK | {"entitled": False}, OTHER])).json()

    assert [one["change"] for one in first["changes"]] == ["created", "created"]
    assert [(one["kind"], one["change"]) for one in second["changes"]] == [("link", "changed"), ("connector", "same")]
    assert second["revision"] == first["revision"] + 1
    assert {one["name"] for one in (await get(manned, "/v1/connectors"))["connectors"]} == {"postgres/demo", "postgres/other"}
    change = await manned.db.fetchrow("SELECT actor, change FROM registry_change ORDER BY revision DESC LIMIT 1")
    assert (change["actor"]["role"], change["change"]) == ("admin", "put")


async def test_a_large_registry_is_thought_over_for_longer_than_a_transaction_may_stand_still(manned: Town, monkeypatch: pytest.MonkeyPatch):
    def slowly(*about: Any) -> Any:
        time.sleep(0.5)
        return vet(*about)

    monkeypatch.setattr(registry_book, "vet", slowly)

    assert (await put(manned, entries=[LINK, OTHER])).status_code == 200


async def test_a_dry_run_says_the_same_and_changes_nothing(manned: Town):
    before = await get(manned, "/v1/registry")

    said = (await put(manned, entries=[OTHER], dry_run=True)).json()

    assert (said["dry_run"], said["changes"]) == (True, [{"kind": "connector", "name": "postgres/other", "change": "created"}])
    assert await get(manned, "/v1/registry") == before


async def test_what_is_not_named_goes_only_where_that_is_asked_for(manned: Town):
    keep = [one for one in (await get(manned, "/v1/registry"))["entries"] if one["kind"] in {"issuer", "operator"}]

    said = (await put(manned, entries=[*keep, OTHER], replace=True)).json()

    assert {one["name"]: one["change"] for one in said["changes"] if one["change"] == "removed"} == {
        "postgres/demo": "removed", "web/production->postgres/demo": "removed",
    }  # fmt: skip
    assert await manned.db.fetchval("SELECT state FROM connector WHERE name = 'postgres/demo'") == "fenced"


async def test_a_change_that_would_leave_no_admin_is_refused_whole(manned: Town):
    answer = await put(manned, entries=[OTHER], replace=True)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_change")
    assert len((await get(manned, "/v1/registry"))["entries"]) == 6


@pytest.mark.parametrize(
    "given",
    [
        {"entries": [{"kind": "connector", "name": "no slash"}]},
        {"entries": [OTHER | {"colour": "green"}]},
        {"entries": [{"kind": "nonsense"}]},
        {"entries": OTHER},
        {"entries": [], "more": 1},
        {"secrets": [{"connector": "postgres/demo"}]},
        {"secrets": [{"connector": "postgres/demo", "field": "password", "version": 0, "sealed": "YQ"}]},
        {"secrets": [{"connector": "postgres/demo", "field": "password", "version": 1, "sealed": "Y Q"}]},
        {"dry_run": 1},
    ],
)
async def test_a_typing_error_is_an_error(manned: Town, given: dict[str, Any]):
    assert (await put(manned, **given)).json()["code"] == "malformed_request"


async def test_a_link_to_nowhere_is_refused(manned: Town):
    answer = await put(manned, entries=[LINK])

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_change")
    assert "postgres/other" in answer.json()["message"]


async def test_a_root_secret_goes_in_sealed_under_its_version_and_once(manned: Town):
    secret = {"connector": "postgres/demo", "installation": "default", "field": "password", "version": 1, "sealed": to_url(b"sealed-canary").decode()}

    first, again = await put(manned, secrets=[secret]), await put(manned, secrets=[secret])
    await put(manned, secrets=[secret | {"version": 2}])

    assert first.json()["changes"] == [{"kind": "secret", "name": "postgres/demo/password", "change": "created"}]
    assert (again.status_code, again.json()["code"]) == (409, "version_conflict")
    assert (await get(manned, "/v1/connectors/postgres/demo"))["secrets"] == {"password": 2}
    assert await manned.root.fetchval("SELECT sealed FROM root_secret WHERE version = 1") == b"sealed-canary"
    assert "canary" not in str(await get(manned, "/v1/registry"))
    assert (await put(manned, secrets=[secret | {"connector": "postgres/none"}])).json()["code"] == "bad_change"


async def test_a_connector_by_its_name(manned: Town):
    made = await manned.http.put("/v1/connectors/postgres/other", json={"scopes": ["read"], "config": CONFIG}, headers=bearer("admin"))
    shown = await get(manned, "/v1/connectors/postgres/other")
    gone = await manned.http.delete("/v1/connectors/postgres/other", headers=bearer("admin"))

    assert made.json()["changes"][0]["change"] == "created"
    assert (shown["name"], shown["scopes"], shown["state"]) == ("postgres/other", ["read"], "active")
    assert gone.status_code == 200
    assert (await get(manned, "/v1/connectors/postgres/other"))["code"] == "not_found"
    named = await manned.http.put("/v1/connectors/postgres/other", json={"name": "postgres/third", "config": CONFIG}, headers=bearer("admin"))
    assert named.json()["code"] == "malformed_request"


async def test_a_link_by_its_name(manned: Town):
    await put(manned, entries=[OTHER])
    name = "web/preview->postgres/other"

    made = await manned.http.put(f"/v1/links/{name}", json=LINK, headers=bearer("admin"))

    assert made.json()["changes"] == [{"kind": "link", "name": name, "change": "created"}]
    assert (await get(manned, f"/v1/links/{name}"))["project"] == "web"
    assert name in {one["name"] for one in (await get(manned, "/v1/links"))["links"]}
    assert (await manned.http.delete(f"/v1/links/{name}", headers=bearer("admin"))).status_code == 200
    assert (await manned.http.delete(f"/v1/links/{name}", headers=bearer("admin"))).status_code == 404


async def test_a_fence_is_lifted_and_a_block_too(manned: Town):
    await manned.http.post("/v1/revocations", json={"predicate": {"connector": "postgres/demo"}}, headers=bearer("operator"))
    block = (await manned.http.post("/v1/revocations", json={"predicate": {"project": "web"}}, headers=bearer("operator"))).json()["accepted"][
        "blocked"
    ]

    lifted = await manned.http.post("/v1/connectors/postgres/demo/unfence", headers=bearer("operator"))
    shown = await get(manned, "/v1/blocks")
    unblocked = await manned.http.delete(f"/v1/blocks/{block}", headers=bearer("operator"))

    assert (lifted.status_code, lifted.json()["state"]) == (200, "active")
    assert await manned.db.fetchval("SELECT state FROM connector WHERE name = 'postgres/demo'") == "active"
    assert [(one["id"], one["project"]) for one in shown["blocks"]] == [(block, "web")]
    assert unblocked.json()["lifted"] is True
    assert (await get(manned, "/v1/blocks"))["blocks"] == []
    assert (await manned.http.delete(f"/v1/blocks/{block}", headers=bearer("operator"))).status_code == 404


async def test_credentials_are_paged_and_an_app_sees_its_own(manned: Town):
    mine = [await lent(manned.root, age=age) for age in range(5)]
    other = await lent(manned.root, subject="other", age=10, project="api")
    await lent(manned.root, state="revoked")

    first = await get(manned, "/v1/credentials?limit=4")
    rest = await get(manned, f"/v1/credentials?limit=4&cursor={first['next']}")
    own = await get(manned, "/v1/credentials", "app")

    assert [one["credential_id"] for one in first["credentials"] + rest["credentials"]] == [*map(str, mine), str(other)]
    assert (rest["next"], first["credentials"][0]["scopes"]) == (None, ["read"])
    assert {one["credential_id"] for one in own["credentials"]} == {*map(str, mine)}
    assert (await get(manned, "/v1/credentials?project=api", "app"))["credentials"] == []
    assert [one["credential_id"] for one in (await get(manned, "/v1/credentials?project=api"))["credentials"]] == [str(other)]
    assert len((await get(manned, "/v1/credentials?state=all"))["credentials"]) == 7
    assert len((await get(manned, "/v1/credentials?state=revoked"))["credentials"]) == 1


ODD = ("colour=green", "limit=a", "limit=1001", "state=odd", "cursor=zzz", "limit=1&limit=2", "credential_id=7", "project=%00")


@pytest.mark.parametrize("query", ODD)
async def test_a_filter_that_nobody_knows_is_an_error(manned: Town, query: str):
    assert (await get(manned, f"/v1/credentials?{query}"))["code"] == "malformed_request"


async def test_whoami_says_who_one_is_here(manned: Town):
    app, admin = await get(manned, "/v1/whoami", "app"), await get(manned, "/v1/whoami", "admin")

    assert (app["project"], app["environment"], app["role"]) == ("web", "production", None)
    assert (admin["role"], len(admin["sub_hash"])) == ("admin", 64)
    assert app["may"] == []
    assert (await get(manned, "/v1/whoami", "viewer"))["may"] == ["read_credentials", "read_registry", "read_audit"]
    assert (await get(manned, "/v1/whoami", "operator"))["may"] == ["read_credentials", "read_registry", "read_audit", "revoke", "lift"]
    assert admin["may"] == ["read_credentials", "read_registry", "read_audit", "revoke", "lift", "change_registry"]


async def test_leaves_are_read_from_where_one_was_and_without_that_the_last(manned: Town):
    numbers = "SELECT n, gen_random_uuid(), 'h', 'l', convert_to('leaf ' || n, 'UTF8') FROM generate_series(0, 9) n"
    await manned.root.execute(f"INSERT INTO audit_leaf {numbers} ON CONFLICT DO NOTHING")
    await manned.root.execute("INSERT INTO audit_head (size, edge, last_leaf, checkpoint) VALUES (9, 'e', 'l', 'note') ON CONFLICT DO NOTHING")

    last = await get(manned, "/v1/audit/leaves?limit=2")
    more = await get(manned, "/v1/audit/leaves?after=5&limit=100")

    assert last["leaves"] == [{"index": 7, "leaf": "leaf 7"}, {"index": 8, "leaf": "leaf 8"}]
    assert [one["index"] for one in more["leaves"]] == [6, 7, 8]
    assert (last["size"], last["checkpoint"]) == (9, "note")
