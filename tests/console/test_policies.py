"""The page *Policies*: what each does, what is wrong with a text, and what it would have changed, before it is saved."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from counterfoil.contracts.base import named
from counterfoil_server.runtime.store.database import Pool
from services.console.gateway import Refused
from services.console.operator import STEP_UP
from services.console.pages import policies
from services.console.policies import texts, trial
from services.gateway.lint import lint
from tests.console.conftest import NOW, Visit, hidden, visiting

FORBID = 'forbid (principal in Project::"web", action == Action::"mint", resource);\n'
CONNECTOR = {"kind": "connector", "name": "postgres/demo", "config": {}, "scopes": ["read"]}
LINK = {"kind": "link", "connector": "postgres/demo", "project": "web", "environments": ["production"],
        "ceiling": {"scopes": ["read"], "longest": 900}}  # fmt: skip
SHOP = {**LINK, "project": "shop"}
AT = NOW - timedelta(hours=1)


class Script:
    """A gateway that lints as the real one does."""

    def __init__(self) -> None:
        self.no: httpx.Response | None = None
        self.changes: list[tuple[str, bool, str | None, str | None]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/policies/lint":
            return httpx.Response(200, json=lint(json.loads(request.content)["cedar"], ()).shown())
        held = request.headers.get("if-match"), request.headers.get("if-none-match")
        self.changes.append((f"{request.method} {request.url.path}", "dry_run" in request.url.params, *held))
        return self.no or httpx.Response(200, json={"revision": 9, "changes": []})


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def visit(db: Pool, owner: asyncpg.Connection, script: Script) -> AsyncIterator[Visit]:
    await cleared(owner)
    async with visiting([policies.pages], db, script) as found:
        yield found
    await cleared(owner)


async def cleared(owner: asyncpg.Connection) -> None:
    for table in ("audit_leaf", "registry_change"):
        await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER; DELETE FROM {table}; ALTER TABLE {table} ENABLE TRIGGER USER")  # noqa: S608 - no input
    await owner.execute("TRUNCATE registry_entry")


async def put(owner: asyncpg.Connection, name: str, cedar: str) -> None:
    await owner.execute("INSERT INTO registry_entry VALUES ('policy', $1, $2, 5)", name, json.dumps({"kind": "policy", "name": name, "cedar": cedar}))


async def registered(owner: asyncpg.Connection, *entries: dict[str, Any]) -> None:
    actor = {"issuer": "https://issuer.test", "sub_hash": "5" * 64, "role": "admin"}
    for revision, entry in enumerate(entries, 1):
        name = entry.get("name") or f"{entry['project']}/{'+'.join(entry['environments'])}->{entry['connector']}"
        await owner.execute(
            "INSERT INTO registry_change VALUES ($1, $2, $3, $4, 'put', $5, $6, $7)",
            revision, named("registry", str(revision)), AT, json.dumps(actor), entry["kind"], name, json.dumps(entry),
        )  # fmt: skip


async def recorded(owner: asyncpg.Connection, project: str, *, granted: bool, at: datetime = AT, revision: int = 3) -> None:
    """An identity and what was decided about it, as their leaves have them."""
    request, hashed = str(uuid4()), uuid4().hex * 2
    asked = {"request_id": request, "request_hash": hashed, "wish_hash": "1" * 64, "requester_key": "", "reply_to": {"partition": 0, "instance": "i"},
             "deadline": (at + timedelta(seconds=10)).isoformat(), "connector": "postgres/demo"}  # fmt: skip
    who = {"kind": "identity.verified", "id": str(uuid4()), "at": at.isoformat(), "asked": asked, "issuer": "i", "sub_hash": "2" * 64,
           "project": project, "environment": "production", "claims": {}, "wish": {"connector": "postgres/demo", "scopes": ["read"], "lifetime": 60},
           "subject": None, "basis": {"registry_revision": revision}}  # fmt: skip
    about = {"asked": asked, "at": at.isoformat(), "project": project, "connector": "postgres/demo", "grounds": {"registry_revision": revision}}
    yes = {"kind": "grant.approved", "rule": "the-link", "scopes": ["read"], "details": [], "lifetime": 60, "installation": "default"}
    decision = about | (yes if granted else {"kind": "grant.denied", "code": "forbidden", "rule": "no-web"})
    await leaves(owner, [who, decision], at)


async def leaves(owner: asyncpg.Connection, facts: Sequence[Any], at: datetime) -> None:
    first = await owner.fetchval("SELECT coalesce(max(idx) + 1, 0) FROM audit_leaf")
    for index, fact in enumerate(facts, first):
        text = json.dumps({"fact": fact, "time": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}).encode()
        await owner.execute("INSERT INTO audit_leaf VALUES ($1, gen_random_uuid(), 'h', 'h', $2)", index, text)


async def test_without_any_the_page_says_what_to_do(visit: Visit):
    page = await visit.page("/policies")

    assert "There is no policy" in page
    assert "counterfoil policy add" in page


async def test_each_policy_says_its_effect_and_whom_it_concerns(visit: Visit, owner: asyncpg.Connection):
    await put(owner, "all", FORBID)
    await put(owner, "one", 'permit (principal, action, resource == Connector::"postgres/demo");')
    await put(owner, "odd", "forbid (")

    page = await visit.page("/policies")

    for words in (">forbid<", ">permit<", "any of 0", '<td class="number">1</td>', ">cannot be read<"):
        assert words in page
    assert ">odd<" not in await visit.page("/policies", containing="postgres/demo")


async def test_who_may_only_read_sees_the_text_and_no_way_to_save_it(visit: Visit, owner: asyncpg.Connection, script: Script):
    await put(owner, "all", FORBID)
    visit.as_role("viewer")

    page = await visit.page("/policies/edit", name="all")
    tried = (await visit.send("/policies/try", name="all", cedar=FORBID + "\n")).text

    assert "Project::&#34;web&#34;" in page
    assert "the same" in tried
    assert [words for words in ("Save all", "See what removing") if words in page + tried] == []
    assert (await visit.send("/policies/save", name="all")).status_code == 403
    assert (await visit.send("/policies/remove", name="all")).status_code == 403
    assert script.changes == []


@pytest.mark.parametrize("path", ["/policies/lint", "/policies/try"])
async def test_a_text_that_makes_no_sense_says_where(visit: Visit, script: Script, path: str):
    answer = await visit.send(path, called="odd", cedar=FORBID + "forbid (principal, action, resource)\r\n  when { context.nothing };\r\n")

    assert answer.status_code == 200
    assert "It would be refused." in answer.text
    assert "line 3, column 3" in answer.text
    assert "when { context.nothing };" in answer.text
    assert script.changes == []


async def test_a_good_text_says_so(visit: Visit):
    answer = await visit.send("/policies/lint", called="good", cedar=FORBID)

    assert "It would be taken." in answer.text


async def traffic(owner: asyncpg.Connection) -> None:
    await registered(owner, CONNECTOR, LINK, SHOP)
    for _ in range(2):
        await recorded(owner, "web", granted=True)
    await recorded(owner, "shop", granted=True)
    await recorded(owner, "shop", granted=False)


async def test_what_it_would_have_changed_is_listed(visit: Visit, owner: asyncpg.Connection, script: Script):
    await traffic(owner)

    answer = await visit.send("/policies/try", called="no-web", cedar=FORBID)

    assert "would newly deny 2, newly allow 1, narrow 0, 1 the same" in answer.text
    assert "Newly denied: 2" in answer.text
    assert '<a href="/audit/' in answer.text
    assert "8 leaves of the log" in answer.text
    assert script.changes == [("PUT /v1/policies/no-web", True, None, "*")]


async def test_what_was_tried_is_saved_and_nothing_else(visit: Visit, owner: asyncpg.Connection, script: Script):
    await traffic(owner)
    tried = (await visit.send("/policies/try", called="no-web", cedar=FORBID)).text
    shown = {name: hidden(tried, name) for name in ("seen", "revision")}

    other = await visit.send("/policies/save", called="no-web", cedar=FORBID + "// more", **shown)
    same = await visit.send("/policies/save", called="no-web", cedar=FORBID, **shown)

    assert (other.status_code, same.status_code) == (409, 204)
    assert script.changes[1:] == [("PUT /v1/policies/no-web", False, None, "*")]


async def test_a_change_is_held_to_the_text_that_was_there(visit: Visit, owner: asyncpg.Connection, script: Script):
    await put(owner, "no-web", FORBID)
    cedar = FORBID.replace("web", "shop")
    tried = (await visit.send("/policies/try", name="no-web", cedar=cedar)).text

    await visit.send("/policies/save", name="no-web", cedar=cedar, seen=hidden(tried, "seen"), revision=hidden(tried, "revision"))

    assert '<span class="minus">- forbid (principal in Project::&#34;web&#34;' in tried
    assert [change[1:] for change in script.changes] == [(True, '"5"', None), (False, '"5"', None)]


async def test_saving_wants_a_fresh_sign_in(visit: Visit, script: Script):
    tried = (await visit.send("/policies/try", called="no-web", cedar=FORBID)).text
    visit.as_role("admin", STEP_UP + timedelta(seconds=1))

    for path in ("/policies/save", "/policies/remove"):
        answer = await visit.send(path, called="no-web", cedar=FORBID, seen=hidden(tried, "seen"), revision="0")
        assert (answer.status_code, "fresh=1" in answer.headers["HX-Redirect"]) == (401, True)
    assert [change for change in script.changes if not change[1]] == []
    assert "Sign in again" in await visit.page("/policies/edit")


@pytest.mark.parametrize(("status", "code"), [(412, "precondition_failed"), (409, "conflict"), (422, "bad_change"), (403, "not_allowed")])
async def test_what_the_gateway_refuses_is_told_in_its_words(visit: Visit, script: Script, status: int, code: str):
    tried = (await visit.send("/policies/try", called="no-web", cedar=FORBID)).text
    script.no = httpx.Response(status, json={"code": code, "message": "it was changed since you read it", "fix": "look again"})

    answer = await visit.send("/policies/save", called="no-web", cedar=FORBID, seen=hidden(tried, "seen"), revision="0")

    assert answer.status_code == status
    assert "it was changed since you read it" in answer.text


async def test_removing_shows_whom_it_lets_in(visit: Visit, owner: asyncpg.Connection, script: Script):
    await put(owner, "no-web", FORBID)
    await registered(owner, CONNECTOR, LINK, {"kind": "policy", "name": "no-web", "cedar": FORBID})
    await recorded(owner, "web", granted=False)

    tried = (await visit.send("/policies/try", name="no-web", cedar="", step="remove")).text
    await visit.send("/policies/remove", name="no-web", revision=hidden(tried, "revision"))

    assert "Removing it would newly deny 0, newly allow 1" in tried
    assert script.changes == [("DELETE /v1/policies/no-web", False, '"5"', None)]


async def test_what_is_too_old_does_not_count(db: Pool, owner: asyncpg.Connection):
    await cleared(owner)
    await registered(owner, CONNECTOR, LINK, SHOP)
    await recorded(owner, "web", granted=True, at=NOW - timedelta(days=31))
    await recorded(owner, "web", granted=True)

    found = await trial.Trials(db).of(trial.Candidate(None, "none"), NOW)

    assert (found.report.decisions, found.leaves) == (1, 4)


async def test_it_ends_after_so_many(db: Pool, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trial, "PART", 2)
    await cleared(owner)
    await traffic(owner)

    found = await trial.Trials(db, most=2).of(trial.Candidate(None, "none"), NOW)

    assert (found.report.decisions, found.ended) == (2, "it ends after 2 decisions")


async def test_it_ends_after_so_long(db: Pool, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trial, "PART", 2)
    await cleared(owner)
    await traffic(owner)

    found = await trial.Trials(db, seconds=-1).of(trial.Candidate(None, "none"), NOW)

    assert found.report.decisions == 1


async def test_a_registry_whose_past_is_not_known_is_said(visit: Visit, owner: asyncpg.Connection):
    await registered(owner, CONNECTOR, LINK, SHOP)
    await owner.execute("ALTER TABLE registry_change DISABLE TRIGGER USER; DELETE FROM registry_change WHERE revision = 2")
    await recorded(owner, "web", granted=True)

    answer = await visit.send("/policies/try", called="no-web", cedar=FORBID)

    assert answer.status_code == 409
    assert "it cannot be tried" in answer.text


async def test_two_at_a_time_are_one_too_many(db: Pool):
    trials = trial.Trials(db)
    await trials._busy.acquire()

    with pytest.raises(Refused, match="429"):
        await trials.of(trial.Candidate(None, "none"), NOW)


@pytest.mark.parametrize("name", ["No Name", "", "a" * 65])
async def test_a_name_that_is_none_is_refused(visit: Visit, script: Script, name: str):
    assert (await visit.send("/policies/try", called=name, cedar=FORBID)).status_code == 422
    assert script.changes == []


def test_what_cannot_be_read_says_nothing():
    assert texts.said("forbid (") is None
