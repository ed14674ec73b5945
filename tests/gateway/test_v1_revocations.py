"""Orders by predicate: who may give them, what stops at once, and how far they have come."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from counterfoil_server.runtime.store import locks
from tests.gateway.conftest import Town
from tests.gateway.identities import ISSUER, bearer
from tests.gateway.rows import hashed, lent, obeyed


async def order(town: Town, subject: str = "operator", dry_run: Any = False, **predicate: Any) -> httpx.Response:
    given = {"predicate": predicate, "cause": "leaked", "dry_run": dry_run}
    return await town.http.post("/v1/revocations", json=given, headers=bearer(subject))


async def status(town: Town, order_id: str, subject: str = "operator") -> dict[str, Any]:
    found: dict[str, Any] = (await town.http.get(f"/v1/revocations/{order_id}", headers=bearer(subject))).json()
    return found


async def test_a_connector_is_fenced_in_the_moment_it_is_accepted(manned: Town):
    await lent(manned.root)
    await lent(manned.root, connector="postgres/other")

    answer = await order(manned, connector="postgres/demo")

    body = answer.json()
    assert (answer.status_code, body["state"], body["accepted"]["fenced"], body["accepted"]["live"]) == (202, "accepted", "postgres/demo", 1)
    assert await manned.db.fetchval("SELECT state FROM connector WHERE name = 'postgres/demo'") == "fenced"
    row = await manned.db.fetchrow("SELECT * FROM revocation_order")
    assert (str(row["id"]), row["cause"], row["predicate"]) == (body["id"], "leaked", {"connector": "postgres/demo"})
    assert row["actor"] == {"issuer": ISSUER, "sub_hash": hashed("operator"), "role": "operator"}
    change = await manned.db.fetchrow("SELECT change, name FROM registry_change ORDER BY revision DESC LIMIT 1")
    assert tuple(change) == ("fenced", "postgres/demo")


async def test_to_fence_again_changes_nothing_but_is_an_order_all_the_same(manned: Town):
    first = await order(manned, connector="postgres/demo")
    epoch = await manned.db.fetchval("SELECT epoch FROM connector WHERE name = 'postgres/demo'")

    second = await order(manned, connector="postgres/demo")

    assert first.json()["id"] != second.json()["id"]
    assert await manned.db.fetchval("SELECT epoch FROM connector WHERE name = 'postgres/demo'") == epoch


@pytest.mark.parametrize(
    "predicate",
    [{"sub_hash": "a" * 64}, {"project": "web", "environment": "production"}, {"issuer": ISSUER}, {"connector": "postgres/demo", "project": "web"}],
)
async def test_a_wider_predicate_sets_a_block_and_fences_nothing(manned: Town, predicate: dict[str, Any]):
    body = (await order(manned, **predicate)).json()

    block = await manned.db.fetchrow("SELECT * FROM block")
    assert body["accepted"]["blocked"] == str(block["id"])
    assert {name: block[name] for name in ("connector", "project", "environment", "issuer", "sub_hash") if block[name]} == predicate
    assert await manned.db.fetchval("SELECT count(*) FROM connector WHERE state <> 'active'") == 0


async def test_the_past_and_one_credential_stop_nobody(manned: Town):
    credential = await lent(manned.root)
    await order(manned, project="web", until="2026-01-01T00:00:00Z")
    answer = await order(manned, credential_id=str(credential))

    assert answer.json()["accepted"]["live"] == 1
    assert await manned.db.fetchval("SELECT count(*) FROM block") == 0
    assert await manned.db.fetchval("SELECT count(*) FROM revocation_order") == 2


async def test_a_dry_run_counts_and_stops_nothing(manned: Town):
    await lent(manned.root)

    fence, block = await order(manned, dry_run=True, connector="postgres/demo"), await order(manned, dry_run=True, project="web")

    assert (fence.status_code, fence.json()["matched"], fence.json()["would"]) == (200, 1, {"fence": "postgres/demo"})
    assert block.json()["would"] == {"block": {"project": "web"}}
    assert await manned.db.fetchval("SELECT count(*) FROM revocation_order") == 0
    assert (
        await manned.db.fetchval("SELECT count(*) FROM connector WHERE state <> 'active'") + await manned.db.fetchval("SELECT count(*) FROM block")
        == 0
    )


@pytest.mark.parametrize("predicate", [{"connector": "postgres/demo"}, {"project": "web"}])
async def test_a_fence_or_block_waits_for_an_intent_that_is_being_written_and_then_counts_it(manned: Town, predicate: dict[str, str]):
    number = await manned.db.fetchval("SELECT id FROM connector WHERE name = 'postgres/demo'")
    async with manned.root.transaction():
        await manned.root.execute(locks.shared([number]))
        waits = asyncio.create_task(order(manned, **predicate))
        async with asyncio.timeout(10):
            while not await manned.db.fetchval("SELECT true FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
        credential = await lent(manned.root, state="minting")
    body = (await waits).json()

    assert body["accepted"]["live"] == 1
    assert (await status(manned, body["id"]))["counts"]["live"] == 1
    await manned.root.execute("UPDATE mint SET state = 'failed', window_closes_at = now() - interval '1 s' WHERE credential_id = $1", credential)
    await obeyed(manned.root, UUID(body["id"]), [], "revoked")
    assert (await status(manned, body["id"]))["state"] == "revoked"


async def test_revoked_is_said_when_every_one_is_dead_or_listed(manned: Town):
    dead, stuck, gone = await lent(manned.root), await lent(manned.root), await lent(manned.root, state="revoked")
    body = (await order(manned, connector="postgres/demo")).json()
    assert (await status(manned, body["id"]))["counts"] == {"live": 2, "revoked": 0, "stuck": 0, "uncertain": 0}

    await obeyed(manned.root, UUID(body["id"]), [dead], "revoked")
    await obeyed(manned.root, UUID(body["id"]), [stuck], "revoking")
    half = await status(manned, body["id"])
    await manned.root.execute("UPDATE mint SET state = 'stuck' WHERE credential_id = $1", stuck)
    whole = await status(manned, body["id"])

    assert (half["state"], half["counts"]) == ("accepted", {"live": 1, "revoked": 1, "stuck": 0, "uncertain": 0})
    assert (whole["state"], whole["counts"]) == ("revoked", {"live": 0, "revoked": 1, "stuck": 1, "uncertain": 0})
    assert [one["credential_id"] for one in whole["left"]] == [str(stuck)]
    assert whole["left"][0]["expires_at"]
    assert str(gone) not in str(whole)


async def test_an_order_that_nobody_has_read_yet_is_not_called_revoked(manned: Town):
    body = (await order(manned, connector="postgres/demo")).json()
    assert (await status(manned, body["id"]))["state"] == "accepted"

    await obeyed(manned.root, UUID(body["id"]), [], "revoked")

    assert (await status(manned, body["id"]))["state"] == "revoked"


async def test_a_request_on_the_wire_keeps_it_from_being_called_revoked(manned: Town):
    credential = await lent(manned.root, state="failed")
    await manned.root.execute("UPDATE mint SET window_closes_at = now() + interval '1 minute' WHERE credential_id = $1", credential)
    body = (await order(manned, connector="postgres/demo")).json()
    await obeyed(manned.root, UUID(body["id"]), [], "revoked")

    assert (await status(manned, body["id"]))["state"] == "accepted"


@pytest.mark.parametrize(
    ("how", "closed", "state"),
    [
        ("by_name", 1, "revoked"),
        ("expiry_only", 1, "revoked"),
        ("by_possession", 30, "accepted"),
        ("by_possession", 61, "revoked"),
        ("by_principal", 30, "accepted"),
    ],
)
async def test_a_providers_clock_may_be_behind_where_nothing_is_found_by_name(manned: Town, how: str, closed: int, state: str):
    credential = await lent(manned.root, state="failed")
    await manned.root.execute(
        "UPDATE mint SET class = $2, window_closes_at = now() - $3 * interval '1 s' WHERE credential_id = $1", credential, how, closed
    )
    body = (await order(manned, connector="postgres/demo")).json()
    await obeyed(manned.root, UUID(body["id"]), [], "revoked")

    assert (await status(manned, body["id"]))["state"] == state


MAY = {"app": False, "viewer": False, "operator": True, "admin": True}


@pytest.mark.parametrize("subject", MAY)
async def test_who_may_revoke_more_than_its_own(manned: Town, subject: str):
    answer = await order(manned, subject, connector="postgres/demo")

    assert answer.status_code == (202 if MAY[subject] else 403)
    assert await manned.db.fetchval("SELECT count(*) FROM revocation_order") == int(MAY[subject])


async def test_an_app_may_revoke_its_own_by_id_and_no_other(manned: Town):
    mine, theirs = await lent(manned.root), await lent(manned.root, subject="other")

    assert (await order(manned, "app", credential_id=str(mine))).status_code == 202
    others: list[dict[str, Any]] = [{"credential_id": str(theirs)}, {"credential_id": str(uuid4())}, {"issuer": ISSUER, "sub_hash": hashed("app")}]
    for predicate in others:
        assert (await order(manned, "app", **predicate)).json()["code"] == "not_allowed"


async def test_an_order_is_followed_by_who_gave_it_and_by_operators(manned: Town):
    mine = await lent(manned.root)
    given = (await order(manned, "app", credential_id=str(mine))).json()["id"]

    assert (await status(manned, given, "app"))["id"] == given
    assert (await status(manned, given, "viewer"))["id"] == given
    assert (await status(manned, given, "other"))["code"] == "not_found"
    assert (await status(manned, str(uuid4())))["code"] == (await status(manned, "nonsense"))["code"] == "not_found"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"predicate": {}},
        {"predicate": {"connector": None}},
        {"predicate": {"colour": "green"}},
        {"predicate": {"since": "yesterday"}},
        {"predicate": {"project": "a\0b"}},
        {"predicate": "postgres/demo"},
        {"predicate": {"project": "web"}, "cause": "a" * 257},
        {"predicate": {"project": "web"}, "dry_run": "yes"},
        {"predicate": {"project": "web"}, "more": 1},
    ],
)
async def test_an_order_that_names_nothing_or_something_unknown_is_refused(manned: Town, given: dict[str, Any]):
    answer = await manned.http.post("/v1/revocations", json=given, headers=bearer("operator"))

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert await manned.db.fetchval("SELECT count(*) FROM revocation_order") == 0


async def test_a_connector_that_is_none_cannot_be_fenced(manned: Town):
    assert (await order(manned, connector="postgres/none")).json()["code"] == "not_found"
    assert await manned.db.fetchval("SELECT count(*) FROM revocation_order") == 0


async def test_a_dry_run_says_whose_they_are_the_most_first(manned: Town):
    for _ in range(2):
        await lent(manned.root)
    await lent(manned.root, project="api", environment="preview")

    (first, second) = (await order(manned, dry_run=True, connector="postgres/demo")).json()["alive"]

    assert (first["project"], first["class"], first["live"]) == ("web", "by_name", 2)
    assert (second["project"], second["environment"], second["live"]) == ("api", "preview", 1)
    assert first["latest"] > "2026"


async def test_an_order_with_an_id_of_its_own_is_given_once_however_often_it_is_asked_for(manned: Town):
    chosen = str(uuid4())
    given = {"id": chosen, "predicate": {"connector": "postgres/demo"}, "cause": "leaked"}
    answers = [await manned.http.post("/v1/revocations", json=given, headers=bearer("operator")) for _ in range(2)]
    other = await manned.http.post("/v1/revocations", json={**given, "predicate": {"project": "web"}}, headers=bearer("operator"))
    theirs = await manned.http.post("/v1/revocations", json=given, headers=bearer("admin"))

    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["id"] == chosen
    assert (other.status_code, other.json()["code"]) == (theirs.status_code, theirs.json()["code"]) == (409, "conflict")
    assert await manned.db.fetchval("SELECT count(*) FROM revocation_order") == 1
    assert await manned.db.fetchval("SELECT count(*) FROM block") == 0


@pytest.mark.parametrize("chosen", ["nonsense", 1, None, ""])
async def test_an_id_that_is_none_is_refused(manned: Town, chosen: Any):
    given = {"id": chosen, "predicate": {"connector": "postgres/demo"}}
    answer = await manned.http.post("/v1/revocations", json=given, headers=bearer("operator"))

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


async def test_the_same_order_from_two_at_once_is_one(manned: Town):
    credential = await lent(manned.root)
    given = {"id": str(uuid4()), "predicate": {"credential_id": str(credential)}}
    answers = await asyncio.gather(*(manned.http.post("/v1/revocations", json=given, headers=bearer("operator")) for _ in range(8)))

    assert {answer.status_code for answer in answers} <= {202, 409}
    assert 202 in {answer.status_code for answer in answers}
    assert await manned.db.fetchval("SELECT count(*) FROM revocation_order") == 1


async def named(town: Town, **predicate: Any) -> httpx.Response:
    return await town.http.post("/v1/revocations", json={"predicate": predicate}, headers=bearer("operator"))


async def test_a_subject_is_named_by_its_text_and_kept_by_its_digest(manned: Town):
    await lent(manned.root)
    body = (await named(manned, issuer=ISSUER, subject="app")).json()

    assert body["matched"] == 1
    row = await manned.db.fetchrow("SELECT predicate::text FROM revocation_order")
    assert hashed("app") in row["predicate"]
    assert '"app"' not in row["predicate"]


@pytest.mark.parametrize("more", [{}, {"issuer": ISSUER, "sub_hash": "a" * 64}, {"issuer": 7}])
async def test_a_subject_without_its_issuer_or_beside_a_digest_is_refused(manned: Town, more: dict[str, Any]):
    assert (await named(manned, subject="app", **more)).json()["code"] == "malformed_request"


async def outcomes(town: Town, order_id: str, subject: str = "operator", **query: str) -> dict[str, Any]:
    found = await town.http.get(f"/v1/revocations/{order_id}/credentials", params=query, headers=bearer(subject))
    return dict(found.json())


async def test_each_that_an_order_concerns_has_its_outcome(manned: Town):
    states = ("revoked", "expired", "stuck", "uncertain", "revoking")
    named = {state: await lent(manned.root) for state in (*states, "gone")}
    body = (await order(manned, connector="postgres/demo")).json()
    for state in states:
        await obeyed(manned.root, UUID(body["id"]), [named[state]], state)
    await obeyed(manned.root, UUID(body["id"]), [named["gone"]], "revoked")
    await manned.root.execute("UPDATE revocation SET attempts = 11, last_error = 'timeout' WHERE credential_id = $1", named["stuck"])
    await manned.root.execute("UPDATE revocation SET settled = $2 WHERE credential_id = $1", named["gone"], b'{"outcome": "already_gone"}')

    found = {one["credential_id"]: one for one in (await outcomes(manned, body["id"]))["credentials"]}

    assert {state: found[str(named[state])]["outcome"] for state in named} == {state: state for state in states} | {"gone": "already_gone"}
    stuck = found[str(named["stuck"])]
    assert (stuck["tries"], stuck["why"]) == (11, "timeout")
    assert stuck["next_at"] > "2026"
    assert "next_at" not in found[str(named["gone"])]
    left = (await status(manned, body["id"]))["left"]
    assert {one["credential_id"]: one.get("why") for one in left} == {str(named["stuck"]): "timeout", str(named["uncertain"]): None}
    assert (await status(manned, body["id"]))["accepted"]["fenced"] == "postgres/demo"


async def test_outcomes_come_by_pages_and_to_who_may_follow_the_order(manned: Town):
    named = sorted([str(await lent(manned.root)) for _ in range(3)])
    body = (await order(manned, connector="postgres/demo")).json()
    first = await outcomes(manned, body["id"], limit="2")
    second = await outcomes(manned, body["id"], limit="2", cursor=first["next"])

    assert [one["credential_id"] for one in first["credentials"] + second["credentials"]] == named
    assert second["next"] is None
    assert (await outcomes(manned, body["id"], "app"))["code"] == "not_found"
