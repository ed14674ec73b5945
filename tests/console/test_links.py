"""The page *Projects and links*: ceilings by place and connector, and each change of them seen before it is made."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from counterfoil.contracts.registry import Link
from counterfoil_server.runtime.store.database import Pool
from services.console.links.filled import sides
from services.console.links.spans import BadSpan, seconds, spelled
from services.console.links.table import matrix
from services.console.pages import links
from tests.console.conftest import Visit, hidden, visiting

NAME = "web/production->postgres/demo"
PATH = f"/v1/links/{NAME}"
FORM = {"connector": "postgres/demo", "project": "web", "environments": "production", "scopes": "read write", "longest": "15m"}


class Script:
    """A gateway that takes everything, or refuses as it is told."""

    def __init__(self) -> None:
        self.no: httpx.Response | None = None
        self.changes: list[tuple[str, bool, str | None, str | None, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        held = request.headers.get("if-match"), request.headers.get("if-none-match")
        body = json.loads(request.content) if request.content else None
        self.changes.append((f"{request.method} {request.url.path}", "dry_run" in request.url.params, *held, body))
        return self.no or httpx.Response(200, json={"revision": 9, "changes": []})


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def visit(db: Pool, owner: asyncpg.Connection, script: Script) -> AsyncIterator[Visit]:
    await owner.execute("TRUNCATE mint, connector, registry_entry RESTART IDENTITY")
    async with visiting([links.pages], db, script) as found:
        yield found


def link(project: str = "web", connector: str = "postgres/demo", environments: tuple[str, ...] = ("production",), **more: Any) -> Link:
    ceiling = {"scopes": ["read"], "longest": 900, **more}
    return Link.model_validate({"project": project, "connector": connector, "environments": environments, "ceiling": ceiling})


async def put(owner: asyncpg.Connection, *several: Link) -> None:
    for one in several:
        await owner.execute("INSERT INTO registry_entry VALUES ('link', $1, $2, 5)", one.name, one.model_dump_json())


async def test_without_any_the_page_says_what_to_do(visit: Visit):
    page = await visit.page("/links")

    assert "Nothing is linked" in page
    assert "counterfoil link add" in page


async def test_places_stand_against_connectors(visit: Visit, owner: asyncpg.Connection):
    await put(owner, link(environments=("preview", "production")), link("shop", "github/acme"))

    page = await visit.page("/links")

    assert page.count("<tr data-row>") == 3
    assert page.count("no link") == 3
    assert "15m at most" in page


async def test_many_connectors_are_rows(visit: Visit, owner: asyncpg.Connection):
    await put(owner, *(link(connector=f"postgres/c{number}") for number in range(9)))

    page = await visit.page("/links")

    assert "More than 8 connectors" in page
    assert page.count("<tr data-row>") == 9


async def test_a_filter_leaves_out_the_rest(visit: Visit, owner: asyncpg.Connection):
    await put(owner, link(environments=("preview", "production")), link("shop"))

    assert [name for name in ("web", "shop") if f'row">{name}<' in await visit.page("/links", project="sho")] == ["shop"]
    assert (await visit.page("/links", environment="preview")).count("<tr data-row>") == 1
    assert "No link is like that" in await visit.page("/links", connector="postgres/none")


async def test_who_may_not_change_is_offered_no_change(visit: Visit, owner: asyncpg.Connection, script: Script):
    await put(owner, link())
    visit.as_role("operator")

    page = await visit.page("/links")

    assert [words for words in (">Edit<", "Remove…", "Add a link") if words in page] == []
    for path in ("/links/new", f"/links/edit?name={NAME}", f"/links/remove?name={NAME}"):
        assert (await visit.http.get(path)).status_code == 403
    for path in ("/links/look", "/links/save", "/links/remove"):
        assert (await visit.send(path, **FORM)).status_code == 403
    assert script.changes == []


async def test_a_new_link_is_seen_before_it_is_made(visit: Visit, script: Script):
    look = (await visit.send("/links/look", **FORM)).text

    assert "ceiling.scopes" in look
    assert "added" in look
    assert script.changes[0][:4] == (f"PUT {PATH}", True, None, "*")

    answer = await visit.send("/links/save", **FORM, seen=hidden(look, "seen"), revision=hidden(look, "revision"))

    assert answer.status_code == 204
    assert script.changes[1][:4] == (f"PUT {PATH}", False, None, "*")
    assert script.changes[1][4]["ceiling"]["longest"] == 900


async def test_a_change_shows_both_sides_and_is_held_to_what_was_seen(visit: Visit, owner: asyncpg.Connection, script: Script):
    await put(owner, link())

    look = (await visit.send("/links/look", name=NAME, scopes="read write", longest="15m")).text

    assert '<span class="minus">[&#34;read&#34;]' in look
    assert '<span class="plus">[&#34;read&#34;, &#34;write&#34;]' in look
    await visit.send("/links/save", name=NAME, scopes="read write", longest="15m", seen=hidden(look, "seen"), revision=hidden(look, "revision"))
    assert [change[1:4] for change in script.changes] == [(True, '"5"', None), (False, '"5"', None)]


@pytest.mark.parametrize("changed", [{"scopes": "read admin"}, {"longest": "2h"}, {"seen": "x"}, {"revision": "x"}, {"revision": ""}])
async def test_what_was_not_looked_at_is_not_saved(visit: Visit, script: Script, changed: dict[str, str]):
    look = (await visit.send("/links/look", **FORM)).text
    shown = {name: hidden(look, name) for name in ("seen", "revision")}

    answer = await visit.send("/links/save", **FORM | shown | changed)

    assert answer.status_code == 409
    assert [change[1] for change in script.changes] == [True]


async def test_nothing_to_change_is_said(visit: Visit, owner: asyncpg.Connection):
    await put(owner, link())

    look = (await visit.send("/links/look", name=NAME, scopes="read", longest="900")).text

    assert "Nothing changes." in look
    assert "Save it" not in look


@pytest.mark.parametrize(("status", "code"), [(412, "precondition_failed"), (409, "conflict"), (422, "bad_change"), (403, "not_allowed")])
async def test_what_the_gateway_refuses_is_told_in_its_words(visit: Visit, script: Script, status: int, code: str):
    look = (await visit.send("/links/look", **FORM)).text
    script.no = httpx.Response(status, json={"code": code, "message": "it was changed since you read it", "fix": "look again"})

    answer = await visit.send("/links/save", **FORM, seen=hidden(look, "seen"), revision=hidden(look, "revision"))

    assert answer.status_code == status
    assert "it was changed since you read it" in answer.text


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"longest": "soon"}, "no lifetime"), ({"longest": "999999999d"}, "ceiling.longest"), ({"details": "{}\nx"}, "details, line 2"),
     ({"environments": ""}, "environments"), ({"connector": "x"}, "connector"), ({"live": "few"}, "live is no whole number"),
     ({"live": "0"}, "limits.live")],
)  # fmt: skip
async def test_a_form_that_is_wrong_says_where(visit: Visit, script: Script, changed: dict[str, str], words: str):
    answer = await visit.send("/links/look", **FORM | changed)

    assert answer.status_code == 422
    assert words in answer.text
    assert script.changes == []


async def test_removing_says_what_it_stops_and_what_it_does_not(visit: Visit, owner: asyncpg.Connection, script: Script):
    await put(owner, link())
    for project, state in (("web", "active"), ("web", "revoked"), ("shop", "active")):
        await owner.execute(
            """INSERT INTO mint (issuer, sub_hash, request_id, attempt, credential_id, decision_hash, request_hash, wish_hash, state, epoch, class,
                connector, installation, project, environment, deadline, ends_by_itself, sent_at, window_closes_at, expires_at)
                VALUES ('i', 's', gen_random_uuid(), 1, gen_random_uuid(), 'd', 'r', 'w', $2, 1, 'by_name', 'postgres/demo', 'default', $1,
                'production', now(), false, now(), now(), now())""",
            project, state,
        )  # fmt: skip

    page = await visit.page("/links/remove", name=NAME)
    answer = await visit.send("/links/remove", name=NAME, revision=hidden(page, "revision"))

    assert "that was lent: 1 may be alive" in page
    assert answer.headers["HX-Redirect"] == "/links"
    assert script.changes == [(f"DELETE {PATH}", False, '"5"', None, None)]


async def test_a_link_that_is_gone_is_not_there(visit: Visit, script: Script):
    for answer in (
        await visit.http.get("/links/edit?name=x"),
        await visit.send("/links/look", name="x"),
        await visit.send("/links/save", name="x\0"),
    ):
        assert answer.status_code == 404
    assert script.changes == []


def test_a_place_covered_twice_over_is_one_row():
    found = matrix([link(environments=("a", "b")), link(connector="github/x", environments=("a",))])

    assert [(where, sorted(cells)) for _, where, cells in found.rows] == [("a", ["github/x", "postgres/demo"]), ("b", ["postgres/demo"])]


def test_sides_say_what_became_of_each_member():
    found = {one.member: one.change for one in sides(link(installations=["x"]), link(longest=60, details=[{"type": "t"}]))}

    assert (found["ceiling.longest"], found["ceiling.installations"], found["ceiling.details"], found["project"]) == (
        "changed",
        "removed",
        "added",
        "same",
    )


@pytest.mark.parametrize(("text", "number"), [("90", 90), ("15m", 900), ("1h 30m", 5400), ("2d", 172800)])
def test_a_span_is_read_as_it_is_spelled(text: str, number: int):
    assert seconds(text) == number
    assert seconds(spelled(number)) == number


@pytest.mark.parametrize("text", ["", "m", "-1", "1.5h", "1w", "٣"])
def test_what_is_no_span_is_refused(text: str):
    with pytest.raises(BadSpan):
        seconds(text)
