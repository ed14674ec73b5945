"""POST /v1/explain: what would come of a request, and to whom that is told."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from counterfoil.contracts.registry import Ceiling, Connector, Issuer, Link, Mapped, Policy
from counterfoil.contracts.revocation_requested import Actor
from counterfoil_server.runtime.rulebook import Rulebook
from counterfoil_server.runtime.snapshot import Entry
from counterfoil_server.runtime.store import registry_rows
from counterfoil_server.runtime.store.registry_rows import Put
from services.gateway.standing import Standing
from tests.gateway.conftest import Town
from tests.gateway.identities import ISSUER, bearer
from tests.gateway.rows import hashed

SILENT = Link(connector="postgres/quiet", project="web", environments=frozenset({"production"}), ceiling=Ceiling(scopes=frozenset({"read"})),
              entitled=False)  # fmt: skip


async def declare(town: Town, *entries: Entry) -> None:
    actor = Actor(issuer=ISSUER, sub_hash="0" * 64, role="ops")
    await registry_rows.change(town.db, [Put(entry) for entry in entries], actor, datetime.now(UTC))
    await town.registry.load()


async def ask(town: Town, subject: str = "app", **given: Any) -> httpx.Response:
    return await town.http.post("/v1/explain", json={"connector": "postgres/demo"} | given, headers=bearer(subject))


async def explained(town: Town, subject: str = "app", **given: Any) -> dict[str, Any]:
    answer = await ask(town, subject, **given)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_what_would_be_granted_and_by_which_rule(manned: Town):
    said = await explained(manned, scopes=["read"], details=[], lifetime=600)

    assert (said["granted"], said["code"], said["rule"]) == (True, None, "web/production->postgres/demo")
    assert (said["scopes"], said["details"], said["lifetime"]) == (["read"], [], 600)
    assert (said["revision"], len(said["policy_hash"])) == (manned.registry.snapshot.revision, 64)


async def test_nothing_is_asked_of_anyone(manned: Town):
    before = await manned.db.fetchval("SELECT count(*) FROM registry_change")

    await explained(manned)

    assert manned.bus.asked == []
    assert await manned.db.fetchval("SELECT count(*) FROM mint") == 0
    assert await manned.db.fetchval("SELECT count(*) FROM registry_change") == before


async def test_what_was_beyond_the_ceiling_and_the_nearest_that_is_not(manned: Town):
    said = await explained(manned, scopes=["read", "write"], lifetime=7200)

    assert (said["granted"], said["code"], said["rule"]) == (False, "beyond_ceiling", "web/production->postgres/demo")
    assert (said["beyond"], said["beyond_lifetime"]) == (["write"], 3600)
    assert said["nearest"] == {"scopes": ["read"], "details": [], "lifetime": 3600}
    assert said["fix"]


async def test_a_policy_that_forbids_is_named(manned: Town):
    await declare(manned, Policy(name="no-web", cedar='forbid (principal in Project::"web", action == Action::"mint", resource);'))

    said = await explained(manned, scopes=["read"])

    assert (said["code"], said["rule"]) == ("forbidden", "no-web")


async def test_claims_that_the_issuer_entry_records_are_what_policies_see(manned: Town):
    await declare(
        manned,
        Issuer(name="example", issuer=ISSUER, pins={"owner": "acme"}, record=frozenset({"ref"}),
               project=Mapped(claim="project"), environment=Mapped(claim="environment")),
        Policy(name="main-only", cedar='forbid (principal, action == Action::"mint", resource) unless { context.claims.ref == "main" };'),
    )  # fmt: skip

    codes = []
    for claims in ({"ref": "main"}, {"ref": "topic"}, {"other": "main"}):
        answer = await manned.http.post("/v1/explain", json={"connector": "postgres/demo"}, headers=bearer(**claims))
        codes.append(answer.json()["code"])
    place = {"project": "web", "environment": "production"}

    assert codes == [None, "forbidden", "policy_error"]
    assert (await explained(manned, "viewer", **{"as": place | {"claims": {"ref": "main"}}}))["granted"]
    assert (await explained(manned, "viewer", **{"as": place}))["code"] == "policy_error"


async def test_a_fence_and_a_block_are_told_to_whom_it_would_be_granted(manned: Town):
    await manned.root.execute("UPDATE connector SET state = 'fenced' WHERE name = 'postgres/demo'")
    fenced = await explained(manned, scopes=["read"])
    await manned.root.execute("UPDATE connector SET state = 'active' WHERE name = 'postgres/demo'")
    await manned.root.execute("INSERT INTO block (id, sub_hash, since) VALUES (gen_random_uuid(), $1, now())", hashed("app"))

    assert (fenced["granted"], fenced["code"]) == (False, "revoked")
    assert (await explained(manned, scopes=["read"]))["code"] == "revoked"
    assert (await explained(manned, scopes=["read", "write"]))["code"] == "beyond_ceiling"
    place = {"project": "web", "environment": "production"}
    assert (await explained(manned, "viewer", **{"as": place | {"subject": "app"}}))["code"] == "revoked"
    assert (await explained(manned, "viewer", **{"as": place | {"subject": "other"}}))["granted"]


async def test_a_denial_that_one_may_not_know_looks_like_no_such_connector(manned: Town):
    await declare(manned, Connector(name="postgres/quiet"), Connector(name="postgres/foreign"), SILENT)
    await manned.root.execute("UPDATE connector SET state = 'fenced' WHERE name = 'postgres/foreign'")

    beyond = await ask(manned, connector="postgres/quiet", scopes=["write"])
    foreign = await ask(manned, connector="postgres/foreign", scopes=["write"])
    nothing = await ask(manned, connector="postgres/nothing", scopes=["write"])

    assert beyond.content == foreign.content == nothing.content
    assert (nothing.json()["code"], nothing.json()["granted"], nothing.json()["rule"]) == ("denied", False, None)
    assert (await explained(manned, connector="postgres/quiet", scopes=["read"]))["granted"]
    assert (await explained(manned, connector="postgres/quiet", scopes=["read"]))["rule"] is None


async def test_the_same_work_is_done_whatever_there_is(manned: Town, monkeypatch: pytest.MonkeyPatch):
    await declare(manned, Connector(name="postgres/quiet"), Connector(name="postgres/foreign"), SILENT)
    done: list[str] = []
    for of, name in ((Rulebook, "ask"), (Standing, "_read")):
        monkeypatch.setattr(of, name, counted(done, f"{of.__name__}.{name}", getattr(of, name)))

    for connector, scopes in (("quiet", ["read"]), ("quiet", ["write"]), ("foreign", ["read"]), ("nothing", ["read"])):
        done.clear()
        await explained(manned, connector=f"postgres/{connector}", scopes=scopes)
        assert done == ["Rulebook.ask", "Standing._read"], connector


def counted(done: list[str], name: str, step: Callable[..., Any]) -> Callable[..., Any]:
    def doing(*given: Any) -> Any:
        done.append(name)
        return step(*given)

    return doing


async def test_who_may_read_the_registry_is_told_all(manned: Town):
    await declare(manned, Connector(name="postgres/quiet"), SILENT)
    place = {"project": "web", "environment": "production"}

    silent = await explained(manned, "viewer", connector="postgres/quiet", scopes=["write"], **{"as": place})
    nothing = await explained(manned, "viewer", connector="postgres/nothing", **{"as": place})
    elsewhere = await explained(manned, "viewer", **{"as": place | {"environment": "preview"}})

    assert (silent["code"], silent["beyond"], silent["rule"]) == ("beyond_ceiling", ["write"], SILENT.name)
    assert nothing["code"] == "unknown_connector"
    assert (elsewhere["code"], elsewhere["nearest"]) == ("no_link", {"environments": ["production"]})


async def test_about_others_only_operators_may_ask(manned: Town):
    place = {"project": "web", "environment": "production"}

    assert (await ask(manned, "app", **{"as": place})).json()["code"] == "not_allowed"
    assert (await ask(manned, "viewer", **{"as": place})).status_code == 200


ODD: dict[str, dict[str, Any]] = {
    "no connector": {"connector": None},
    "an unknown member": {"colour": "green"},
    "scopes that are none": {"scopes": "read"},
    "a lifetime that is none": {"lifetime": "an hour"},
    "a fraction": {"details": [{"type": "postgres", "much": 0.5}]},
    "too much": {"details": [{"type": "postgres", "tables": ["a" * 20_000]}]},
    "a NUL": {"connector": "postgres/\0"},
    "21 deep": {"details": [json.loads('{"type":' * 18 + "1" + "}" * 18)]},
    "17 deep": {"details": [json.loads('{"type":' * 15 + "1" + "}" * 15)]},
    "no project": {"as": {"environment": "production"}},
    "another member": {"as": {"project": "web", "environment": "production", "role": "admin"}},
    "an issuer that nobody trusts": {"as": {"project": "web", "environment": "production", "issuer": "https://evil.example"}},
}


@pytest.mark.parametrize("case", ODD)
async def test_what_is_no_question_is_refused(manned: Town, case: str):
    answer = await ask(manned, "viewer", **ODD[case])

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


async def test_who_has_no_place_has_to_say_whose(manned: Town):
    answer = await manned.http.post("/v1/explain", json={"connector": "postgres/demo"}, headers=bearer("viewer", project=None))

    assert (answer.status_code, answer.json()["fix"]) == (400, "Say whose request to try: `as`.")
