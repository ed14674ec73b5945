"""The page *Revoke*: what an order would hit is shown before it can be given, it is given only when typed, and followed to the end of each."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from counterfoil.contracts.revocation_ordered import revocation_id
from counterfoil_server.runtime.store.database import Pool
from services.console.pages import revoke
from services.console.revoke import predicate
from tests.console.conftest import NOW, Visit, visiting

ACTOR = {"issuer": "https://issuer.test", "sub_hash": "5" * 64, "role": "operator"}
LEND = """INSERT INTO mint (issuer, sub_hash, request_id, attempt, credential_id, decision_hash, request_hash, wish_hash, state, epoch, class,
    connector, installation, project, environment, deadline, ends_by_itself, sent_at, window_closes_at, expires_at)
    VALUES ('https://issuer.test', $1, $2, 1, $3, 'd', $4, 'w', $5, 1, $6, $7, 'default', $8, 'production', $9, $10, $9, $9, $11)"""


class Script:
    """A gateway: what it was told to answer, and where it refuses."""

    def __init__(self) -> None:
        self.answers: dict[str, httpx.Response] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        return self.answers.get(f"{request.method} {request.url.path}", httpx.Response(404, json={"code": "not_found", "message": "unscripted"}))

    def says(self, what: str, body: Any, status: int = 200) -> None:
        self.answers[what] = httpx.Response(status, json=body)

    def refuses(self, what: str, status: int, code: str, message: str, fix: str = "do it otherwise") -> None:
        self.says(what, {"code": code, "message": message, "fix": fix}, status)


@pytest.fixture
def script() -> Script:
    made = Script()
    made.says("POST /v1/revocations", {"dry_run": True, "matched": 0, "would": {}})
    return made


@pytest.fixture
async def visit(db: Pool, owner: asyncpg.Connection, script: Script) -> AsyncIterator[Visit]:
    await owner.execute("""
        TRUNCATE mint, revocation, revocation_order, connector, block, registry_entry RESTART IDENTITY;
        ALTER TABLE audit_leaf DISABLE TRIGGER USER; DELETE FROM audit_leaf; ALTER TABLE audit_leaf ENABLE TRIGGER USER;
        ALTER TABLE audit_about DISABLE TRIGGER USER; DELETE FROM audit_about; ALTER TABLE audit_about ENABLE TRIGGER USER
    """)
    async with visiting([revoke.pages], db, script) as found:
        yield found


async def lend(owner: asyncpg.Connection, **given: Any) -> UUID:
    row = {"state": "active", "class": "by_name", "connector": "postgres/demo", "project": "web", "subject": "a" * 64, "ends": False,
           "expires": NOW + timedelta(minutes=5)} | given  # fmt: skip
    credential = uuid4()
    await owner.execute(LEND, row["subject"], uuid4(), credential, uuid4().hex * 2, row["state"], row["class"], row["connector"], row["project"],
                        NOW, row["ends"], row["expires"])  # fmt: skip
    return credential


async def ordered(owner: asyncpg.Connection, credentials: list[UUID], at: datetime = NOW, **more: Any) -> UUID:
    found = uuid4()
    accepted = more.get("accepted", {"blocked": str(found), "live": len(credentials)})
    await owner.execute("INSERT INTO revocation_order (id, actor, predicate, cause, at, accepted, ordered_at) VALUES ($1, $2, $3, $4, $5, $6, $5)",
                        found, json.dumps(ACTOR), json.dumps({"project": "web"}), more.get("cause", "leaked"), at, json.dumps(accepted))  # fmt: skip
    for one in credentials:
        await owner.execute("INSERT INTO revocation (id, credential_id, cause, order_id, state, attempts, last_error, published_at) "
                            "VALUES ($1, $2, 'requested', $3, $4, 12, $5, now())", revocation_id(one), one, found, more.get("state", "confirmed"),
                            more.get("error"))  # fmt: skip
    return found


async def leaf(owner: asyncpg.Connection, index: int, about: UUID, fact: dict[str, Any], fact_id: UUID | None = None) -> None:
    text = json.dumps({"fact": fact, "seq": index, "v": 1}).encode()
    await owner.execute("INSERT INTO audit_leaf VALUES ($1, $2, $3, $4, $5)", index, fact_id or uuid4(), b"f" * 32, b"l" * 32, text)
    await owner.execute("INSERT INTO audit_about VALUES ($1, $2)", about, index)


def came(live: int = 0, revoked: int = 0, left: list[tuple[UUID, str]] = []) -> dict[str, Any]:  # noqa: B006 - it is only read
    counts = {"live": live, "revoked": revoked, "stuck": sum(s == "stuck" for _, s in left), "uncertain": sum(s == "uncertain" for _, s in left)}
    rows = [{"credential_id": str(one), "state": state, "expires_at": NOW.isoformat()} for one, state in left]
    return {"state": "accepted" if live else "revoked", "counts": counts, "left": rows}


async def test_the_form_suggests_what_the_registry_has(visit: Visit, owner: asyncpg.Connection):
    await owner.execute("""INSERT INTO registry_entry VALUES ('connector', 'postgres/demo', '{}', 1),
        ('link', 'l', '{"project": "web", "environments": ["production", "preview"]}', 1), ('issuer', 'ci', '{"issuer": "https://ci.example"}', 1)""")

    page = await visit.page("/revoke")

    for value in ("postgres/demo", "web", "production", "preview", "https://ci.example"):
        assert f'<option value="{value}">' in page
    assert 'list="known-project"' in page
    assert 'list="known-sub_hash"' not in page
    assert visit.asked == []


async def test_what_it_would_hit_is_shown_before_it_can_be_said(visit: Visit, owner: asyncpg.Connection, script: Script):
    script.says("POST /v1/revocations", {"dry_run": True, "matched": 4, "would": {"block": {"project": "web"}}})
    for _ in range(2):
        await lend(owner)
    await lend(owner, connector="github/bot", **{"class": "expiry_only"}, ends=True, expires=datetime(2026, 11, 28, 13, 7, tzinfo=UTC))
    await lend(owner, subject="b" * 64, state="stuck")
    await lend(owner, project="api", subject="c" * 64)

    page = await visit.page("/revoke", project="web")

    assert json.loads(visit.asked[0].content) == {"predicate": {"project": "web"}, "dry_run": True}
    assert "It would hit 4 credentials" in page
    assert "1 of them nobody can end." in page
    assert "2026-11-28 13:07:00 UTC" in page
    assert "1 were ordered to end before" in page
    assert "Callers: 2" in page
    assert "web / production: 4" in page
    assert "api / production" not in page
    assert "a block: nothing more is lent to project <strong>web</strong>" in page
    assert 'data-confirms="web" data-or="4"' in page


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("connector", "postgres/demo"), ("project", "web"), ("environment", "production"), ("issuer", "https://issuer.test"),
        ("sub_hash", "a" * 64), ("since", NOW.isoformat()), ("until", (NOW + timedelta(seconds=1)).isoformat()), ("credential_id", ""),
        ("request_hash", ""),
    ],
)  # fmt: skip
async def test_each_member_hits_what_it_names_and_nothing_else(visit: Visit, owner: asyncpg.Connection, script: Script, member: str, value: str):
    script.says("POST /v1/revocations", {"dry_run": True, "matched": 1, "would": {}})
    wanted = await lend(owner)
    other = await lend(owner, connector="github/other", project="other", subject="b" * 64)
    await owner.execute("UPDATE mint SET environment = 'other', issuer = 'other', sent_at = $2 WHERE credential_id = $1", other,
                        NOW + timedelta(seconds=-1 if member == "since" else 1))  # fmt: skip
    named = {"credential_id": str(wanted), "request_hash": await owner.fetchval("SELECT request_hash FROM mint WHERE credential_id = $1", wanted)}

    page = await visit.page("/revoke", **{member: value or named[member]})

    assert "web / production: 1" in page
    assert "other / other" not in page


async def test_htmx_gets_the_piece_alone(visit: Visit):
    answer = await visit.http.get("/revoke", params={"project": "web"}, headers={"HX-Request": "true"})

    assert "<h1>" not in answer.text
    assert "Nothing to end" in answer.text
    assert "revoke-order" not in answer.text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("since", "yesterday", "Minted since is no time"),
        ("credential_id", "one", "Credential is not what it has to be"),
        ("sub_hash", "abc", "Subject is not what it has to be"),
        ("until", "0001-01-01", "Minted before is no time"),
    ],
)
async def test_what_makes_no_sense_is_said_beside_the_form(visit: Visit, field: str, value: str, said: str):
    answer = await visit.http.get("/revoke", params={field: value}, headers={"HX-Request": "true"})

    assert answer.status_code == 422
    assert said in answer.text
    assert said in await visit.page("/revoke", **{field: value})
    assert visit.asked == []


async def test_what_the_gateway_refuses_to_look_at_is_told(visit: Visit, script: Script):
    script.refuses("POST /v1/revocations", 403, "not_allowed", "this identity may revoke its own credentials", "ask an operator")

    page = await visit.page("/revoke", project="web")

    assert "this identity may revoke its own credentials" in page
    assert "ask an operator" in page


async def test_an_order_is_given_once_its_name_or_number_is_typed(visit: Visit, script: Script):
    order = uuid4()
    script.says("POST /v1/revocations", {"id": str(order), "state": "accepted"}, 202)

    for typed in ("", "webb", "3"):
        refused = await visit.send("/revoke", project="web", typed=typed, seen="2", cause="c")
        assert (refused.status_code, "nothing was ordered" in refused.text) == (422, True)
    assert visit.asked == []
    for typed in ("web", "2"):
        answer = await visit.send("/revoke", project="web", typed=typed, seen="2", cause="it \n leaked")
        assert answer.headers["hx-redirect"] == f"/revoke/{order}"
    assert json.loads(visit.asked[0].content) == {"predicate": {"project": "web"}, "cause": "it leaked"}
    assert visit.asked[0].headers["authorization"] == "Bearer operators-token"


async def test_more_than_one_credential_wants_a_fresh_sign_in(visit: Visit, script: Script):
    credential = str(uuid4())
    script.says("POST /v1/revocations", {"id": str(uuid4())}, 202)
    visit.as_role("operator", ago=timedelta(minutes=6))

    wide = await visit.send("/revoke", credential_id=credential, project="web", typed="1", seen="1")
    assert "fresh=1" in wide.headers["hx-redirect"]
    assert visit.asked == []

    one = await visit.send("/revoke", credential_id=credential, typed="1", seen="1")
    assert one.headers["hx-redirect"].startswith("/revoke/")


async def test_a_viewer_is_offered_nothing_and_may_do_nothing(visit: Visit, owner: asyncpg.Connection):
    await owner.execute("INSERT INTO connector (name, state, revision) VALUES ('postgres/demo', 'fenced', 1)")
    await owner.execute("INSERT INTO registry_entry VALUES ('connector', 'postgres/demo', '{}', 1)")
    visit.as_role("viewer")

    page = await visit.page("/revoke", project="web")

    assert 'hx-post="/revoke' not in page
    assert 'id="revoke-preview"' not in page
    assert visit.asked == []
    for path in ("/revoke", f"/revoke/blocks/{uuid4()}/lift", "/revoke/connectors/postgres/demo/unfence"):
        assert (await visit.send(path, project="web", typed="web")).status_code == 403
    assert visit.asked == []


async def test_progress_counts_and_names_what_does_not_go(visit: Visit, owner: asyncpg.Connection, script: Script):
    stuck, unsure = await lend(owner, state="stuck"), await lend(owner, state="uncertain", **{"class": "expiry_only"})
    order = await ordered(owner, [stuck, unsure, await lend(owner, state="revoked")], error="timeout")
    script.says(f"GET /v1/revocations/{order}", came(live=1, revoked=7, left=[(stuck, "stuck"), (unsure, "uncertain")]))

    page = await visit.page(f"/revoke/{order}")

    assert 'data-done="7" data-total="10" data-state="accepted"' in page
    assert f'hx-get="/revoke/{order}" hx-trigger="every 1s"' in page
    assert str(stuck) in page
    assert "timeout, after 12 tries" in page
    assert "it cannot be ended before its time" in page
    assert "block " + str(order) in page


async def test_progress_ends_when_nothing_more_will_come(visit: Visit, owner: asyncpg.Connection, script: Script):
    dead = await lend(owner, state="revoked")
    order = await ordered(owner, [dead])
    script.says(f"GET /v1/revocations/{order}", came(revoked=1))

    before = (await visit.http.get(f"/revoke/{order}", headers={"HX-Request": "true"})).text
    await leaf(owner, 8, dead, {"kind": "credential.revoked", "outcome": "revoked", "at": "2026-11-28T12:00:02Z"})
    piece = (await visit.http.get(f"/revoke/{order}", headers={"HX-Request": "true"})).text

    assert 'hx-trigger="every 2s"' in before
    assert 'data-done="1" data-total="1" data-state="revoked"' in piece
    assert '<a href="/audit/8">8</a>' in piece
    assert "hx-trigger" not in piece
    assert "<h1>" not in piece


async def test_what_is_stuck_is_watched_on(visit: Visit, owner: asyncpg.Connection, script: Script):
    order = await ordered(owner, [])
    script.says(f"GET /v1/revocations/{order}", came(revoked=1, left=[(uuid4(), "stuck")]))

    page = await visit.page(f"/revoke/{order}")

    assert "Settled, and not all are dead" in page
    assert 'hx-trigger="every 5s"' in page


async def test_a_gateway_that_is_away_does_not_end_the_watch(visit: Visit, owner: asyncpg.Connection, script: Script):
    order = await ordered(owner, [])
    script.refuses(f"GET /v1/revocations/{order}", 503, "unavailable", "the database is away")

    answer = await visit.http.get(f"/revoke/{order}", headers={"HX-Request": "true"})

    assert answer.status_code == 200
    assert "the database is away" in answer.text
    assert 'hx-trigger="every 1s"' in answer.text

    script.refuses(f"GET /v1/revocations/{order}", 403, "not_allowed", "not yours")
    assert (await visit.http.get(f"/revoke/{order}")).status_code == 403


async def test_the_record_has_each_credential_with_its_outcome_and_its_leaf(visit: Visit, owner: asyncpg.Connection, script: Script):
    gone, waiting = await lend(owner, state="revoked"), await lend(owner, state="revoking")
    order = await ordered(owner, [gone, waiting], cause="<b>leaked</b>")
    await leaf(owner, 6, order, {"kind": "revocation.requested"}, fact_id=order)
    await leaf(owner, 7, gone, {"kind": "revocation.stuck", "outcome": "stuck", "at": "2026-11-28T12:00:01Z"})
    await leaf(owner, 8, gone, {"kind": "credential.revoked", "outcome": "revoked", "at": "2026-11-28T12:00:02Z"})
    await leaf(owner, 9, waiting, {"kind": "revocation.ordered", "at": "2026-11-28T12:00:03Z"})
    script.says(f"GET /v1/revocations/{order}", came(live=1, revoked=1))

    page = await visit.page(f"/revoke/{order}/record")

    assert "operator <code>" + "5" * 64 in page
    assert "&lt;b&gt;leaked&lt;/b&gt;" in page
    assert '<a href="/audit/6">' in page
    assert '<a href="/audit/8">8</a>' in page
    assert '<a href="/audit/7">' not in page
    assert '<a href="/audit/9">' not in page
    assert "2026-11-28 12:00:02" in page
    assert "not in the log yet" in page
    assert "this record is not final" in page


async def test_a_long_record_comes_in_parts(visit: Visit, owner: asyncpg.Connection, script: Script, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(revoke, "PART", 2)
    credentials = sorted([await lend(owner, state="revoked") for _ in range(3)])
    order = await ordered(owner, credentials)
    script.says(f"GET /v1/revocations/{order}", came(revoked=3))

    first = await visit.page(f"/revoke/{order}/record")
    rest = await visit.page(f"/revoke/{order}/record", after=str(credentials[1]))

    assert f"?after={credentials[1]}" in first
    assert [str(one) in first for one in credentials] == [True, True, False]
    assert [str(one) in rest for one in credentials] == [False, False, True]
    assert "The last part." in rest


async def test_all_orders_are_listed_a_page_at_a_time(visit: Visit, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(revoke, "PAGE", 2)
    made = [await ordered(owner, [], at=NOW - timedelta(minutes=minute)) for minute in range(3)]

    first = await visit.page("/revoke/orders")
    before = first.partition("/revoke/orders?before=")[2].partition('"')[0]
    answer = await visit.http.get(f"/revoke/orders?before={before}")

    assert [str(one) in first for one in made] == [True, True, False]
    assert [str(one) in answer.text for one in made] == [False, False, True]


@pytest.mark.parametrize("before", ["x", "2026-11-28T12:00:00Z~x", "2026-11-28T12:00:00~3f333df6-90a4-4fda-8dd3-9485d27cee36", "~"])
async def test_a_page_that_is_none_is_told(visit: Visit, before: str):
    assert (await visit.http.get("/revoke/orders", params={"before": before})).status_code == 400
    assert (await visit.http.get(f"/revoke/{uuid4()}")).status_code == 404


async def test_blocks_and_fences_are_shown_and_lifted(visit: Visit, owner: asyncpg.Connection, script: Script):
    block = uuid4()
    await owner.execute("INSERT INTO block (id, project, since) VALUES ($1, 'web', now()), ($2, 'gone', now() - interval '1 day')", block, uuid4())
    await owner.execute("UPDATE block SET lifted_at = now() WHERE project = 'gone'")
    await owner.execute("INSERT INTO connector (name, state, revision) VALUES ('postgres/demo', 'revoked', 1), ('github/old', 'fenced', 1)")
    await owner.execute("INSERT INTO registry_entry VALUES ('connector', 'postgres/demo', '{}', 1)")
    script.says(f"DELETE /v1/blocks/{block}", {"lifted": True})
    script.says("POST /v1/connectors/postgres/demo/unfence", {"state": "active"})

    page = await visit.page("/revoke")
    lifted = await visit.send(f"/revoke/blocks/{block}/lift")
    unfenced = await visit.send("/revoke/connectors/postgres/demo/unfence")

    assert "project web" in page
    assert "project gone" not in page
    assert f'hx-post="/revoke/blocks/{block}/lift"' in page
    assert 'hx-post="/revoke/connectors/postgres/demo/unfence"' in page
    assert "/revoke/connectors/github/old/unfence" not in page
    assert "The block is lifted" in lifted.text
    assert "postgres/demo lends again" in unfenced.text
    assert [f"{one.method} {one.url.path}" for one in visit.asked] == list(script.answers)[1:]


async def test_a_block_that_cannot_be_lifted_says_why(visit: Visit, script: Script):
    block = uuid4()
    script.refuses(f"DELETE /v1/blocks/{block}", 404, "not_found", "there is no such block, or it was lifted before")

    answer = await visit.send(f"/revoke/blocks/{block}/lift")

    assert answer.status_code == 404
    assert "it was lifted before" in answer.text
    assert "<html" not in answer.text


def test_a_while_ago_is_a_time():
    assert predicate.read({"since": "2h"}, NOW).since == NOW - timedelta(hours=2)
    assert predicate.read({"until": "2026-11-28 09:30"}, NOW).until == datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
    assert predicate.read({"since": "2026-11-28T09:30:00+01:00"}, NOW).since == datetime(2026, 11, 28, 8, 30, tzinfo=UTC)


def test_only_one_credential_by_name_is_narrow():
    one = {"credential_id": str(uuid4())}

    assert predicate.single(predicate.read(one, NOW))
    assert not predicate.single(predicate.read({**one, "project": "web"}, NOW))
    assert not predicate.single(predicate.read({"request_hash": "a" * 64}, NOW))
