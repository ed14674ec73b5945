"""The page *Connectors*: what there is, and a new one: seen before it is made, its secret sealed here and never shown again."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.sealing import Opener
from counterfoil_server.runtime.store.database import Pool
from services.console.connectors.declared import Declared, field, read
from services.console.connectors.filled import filled
from services.console.gateway import Refused
from services.console.pages import connectors
from services.gateway.catalog import Catalog
from tests.console.conftest import NOW, Visit, hidden, visiting

CANARY = "hunter2-the-canary"
PROVIDERS = [dict(one) for one in Catalog.read().all()]
FORM = {"provider": "postgres", "called": "demo-2", "config.host": "db.test", "config.database": "shop", "config.broker": "broker",
        "config.schemas": "shop\r\nextra", "secret.password": CANARY}  # fmt: skip


class Script:
    """A gateway, and what it was sent."""

    def __init__(self) -> None:
        self.key = OpeningKey.generate()
        self.answers: dict[str, httpx.Response] = {}
        self.sent: list[dict[str, Any]] = []
        self.says("GET /v1/providers", {"providers": PROVIDERS})
        self.says("GET /.well-known/counterfoil", {"mint_key": {"kid": self.key.kid, "key": to_url(self.key.public).decode()}})
        self.says("POST /v1/registry", {"revision": 8, "changes": [], "dry_run": True})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.content:
            self.sent.append(json.loads(request.content) | {"if_match": request.headers.get("if-match")})
        return self.answers.get(f"{request.method} {request.url.path}", httpx.Response(404, json={"code": "not_found", "message": "unscripted"}))

    def says(self, what: str, body: Any, status: int = 200) -> None:
        self.answers[what] = httpx.Response(status, json=body)

    def refuses(self, what: str, status: int, code: str, message: str) -> None:
        self.says(what, {"code": code, "message": message, "fix": "do it otherwise"}, status)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def visit(db: Pool, owner: asyncpg.Connection, script: Script) -> AsyncIterator[Visit]:
    await owner.execute("TRUNCATE mint, connector, root_secret, registry_entry, service_key RESTART IDENTITY; UPDATE registry_head SET revision = 7")
    await owner.execute(
        "INSERT INTO service_key VALUES ($1, 'mint', 'open', $2, NULL, '2026-01-01Z', NULL)", script.key.kid, script.key.public
    )  # fmt: skip
    async with visiting([connectors.pages], db, script) as found:
        yield found


async def register(owner: asyncpg.Connection, name: str = "postgres/demo", state: str = "active", **more: Any) -> None:
    config = {"host": "h", "database": "d", "broker": "b", "schemas": ["s"]}
    entry = {"kind": "connector", "name": name, "config": config, "scopes": ["read"], **more}
    await owner.execute("INSERT INTO registry_entry VALUES ('connector', $1, $2, 5)", name, json.dumps(entry))
    await owner.execute("INSERT INTO connector (name, state, epoch, revision) VALUES ($1, $2, 3, 5)", name, state)
    secret = "INSERT INTO root_secret (connector, installation, field, version, sealed, at) VALUES ($1, 'default', 'password', 2, 'x', $2)"
    await owner.execute(secret, name, NOW.replace(month=10))


async def lend(owner: asyncpg.Connection, number: int) -> None:
    await owner.execute(
        """INSERT INTO mint (issuer, sub_hash, request_id, attempt, credential_id, decision_hash, request_hash, wish_hash, state, epoch, class,
            connector, installation, project, environment, deadline, ends_by_itself, sent_at, window_closes_at, expires_at)
            SELECT 'i', 's', gen_random_uuid(), 1, gen_random_uuid(), 'd', 'r', 'w', 'active', 1, 'by_name', 'postgres/demo', 'default', 'web',
            'production', now(), false, now(), now(), now() FROM generate_series(1, $1)""",
        number,
    )


async def test_without_any_the_page_says_what_to_do(visit: Visit):
    page = await visit.page("/connectors")

    assert "There is no connector yet." in page
    assert "counterfoil connector add" in page
    assert page.count("The provider&#39;s own documentation") + page.count("The provider's own documentation") == len(PROVIDERS)


async def test_each_connector_says_its_state_its_age_and_what_ending_can_do(visit: Visit, owner: asyncpg.Connection):
    await register(owner, state="fenced")
    await lend(owner, 1001)

    page = await visit.page("/connectors")

    for words in (">fenced<", "each credential is ended at the provider, at once, by its name", "1,000+", "31 d old", '<td class="number">3</td>'):
        assert words in page


async def test_a_page_of_them_leads_to_the_next(visit: Visit, owner: asyncpg.Connection):
    for number in range(27):
        await register(owner, f"postgres/many-{number:02}")

    page = await visit.page("/connectors")
    rest = await visit.page("/connectors", after="postgres/many-24")

    assert ("postgres/many-24" in page, "postgres/many-25" in page) == (True, False)
    assert ("postgres/many-24<" in rest, "postgres/many-26" in rest, "Next page" in rest) == (False, True, False)
    assert "No connector has" in await visit.page("/connectors", containing="nothing-like-it")


async def test_without_the_gateway_the_list_is_still_there(visit: Visit, owner: asyncpg.Connection, script: Script):
    await register(owner)
    script.refuses("GET /v1/providers", 503, "unavailable", "the gateway cannot be reached")

    page = await visit.page("/connectors")

    assert "postgres/demo" in page
    assert "the gateway cannot be reached" in page


async def test_who_may_not_change_is_offered_no_change(visit: Visit, owner: asyncpg.Connection):
    await register(owner, state="fenced")
    visit.as_role("viewer")

    page = await visit.page("/connectors") + await visit.page("/connectors/postgres/demo")

    assert [words for words in ("New postgres connector", "Change it, or", "Unfence it") if words in page] == []
    assert (await visit.http.get("/connectors/new", params={"provider": "postgres"})).status_code == 403
    assert (await visit.send("/connectors/new", **FORM)).status_code == 403
    assert (await visit.send("/connectors/postgres/demo/unfence")).status_code == 403
    assert [one for one in visit.asked if one.method == "POST"] == []


@pytest.mark.parametrize("provider", [one["name"] for one in PROVIDERS])
async def test_the_form_asks_for_all_that_a_provider_declares(visit: Visit, provider: str):
    declared = read(next(one for one in PROVIDERS if one["name"] == provider))

    page = await visit.page("/connectors/new", provider=provider)

    assert declared.documentation in page
    for one in declared.fields():
        assert f'name="config.{one.name}"' in page
    for one in declared.secrets():
        assert f'name="secret.{one.name}"' in page


async def test_first_it_says_what_would_change_and_changes_nothing(visit: Visit, script: Script):
    answer = await visit.send("/connectors/new", **FORM, step="look")

    assert answer.status_code == 200
    assert "+ connector postgres/demo-2" in answer.text
    assert "config.host: db.test" in answer.text
    assert [one["dry_run"] for one in script.sent] == [True]
    assert script.sent[0]["if_match"] == '"7"'


async def test_what_is_made_has_its_secret_sealed_to_mint(visit: Visit, script: Script):
    answer = await made(visit)

    assert answer.headers["HX-Redirect"] == "/connectors/postgres/demo-2"
    sent = script.sent[-1]
    assert (sent["dry_run"], sent["if_match"]) == (False, '"7"')
    assert sent["entries"][0]["config"] == {"host": "db.test", "database": "shop", "broker": "broker", "schemas": ["shop", "extra"]}
    (secret,) = sent["secrets"]
    info = binding.root("postgres/demo-2", "default", "password", secret["version"])
    assert Opener([script.key]).open(from_url(secret["sealed"].encode()), info).text() == CANARY


async def made(visit: Visit, **changed: str) -> httpx.Response:
    look = (await visit.send("/connectors/new", **FORM, step="look")).text
    return await visit.send(
        "/connectors/new", **{**FORM, "step": "make", "seen": hidden(look, "seen"), "revision": hidden(look, "revision"), **changed}
    )


async def test_what_was_typed_as_a_secret_is_nowhere(visit: Visit, script: Script, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    script.refuses("POST /v1/registry", 409, "conflict", "not now")
    pages = [
        (await visit.send("/connectors/new", **FORM, step="look")).text,
        (await visit.send("/connectors/new", **FORM | {"config.host": ""})).text,
    ]
    script.says("POST /v1/registry", {"revision": 8, "changes": [], "dry_run": True})
    pages += [(await visit.send("/connectors/new", **FORM, step="look")).text, (await made(visit)).text]

    assert [page for page in [*pages, caplog.text, *(one.content.decode() for one in visit.asked)] if CANARY in page] == []
    assert CANARY not in repr(filled(postgres(), FORM, None))


def postgres() -> Declared:
    return read(next(one for one in PROVIDERS if one["name"] == "postgres"))


@pytest.mark.parametrize("changed", [{"config.host": "elsewhere.test"}, {"secret.password": ""}, {"seen": "x"}, {"revision": "x"}])
async def test_what_was_not_looked_at_is_not_made(visit: Visit, script: Script, changed: dict[str, str]):
    answer = await made(visit, **changed)

    assert answer.status_code in (409, 422)
    assert [one["dry_run"] for one in script.sent] == [True]


@pytest.mark.parametrize(("status", "code"), [(412, "precondition_failed"), (409, "version_conflict"), (422, "bad_change"), (403, "not_allowed")])
async def test_what_the_gateway_refuses_is_told_in_its_words(visit: Visit, script: Script, status: int, code: str):
    look = (await visit.send("/connectors/new", **FORM, step="look")).text
    script.refuses("POST /v1/registry", status, code, "somebody was quicker")

    answer = await visit.send("/connectors/new", **FORM, step="make", seen=hidden(look, "seen"), revision="7")

    assert answer.status_code == status
    assert "somebody was quicker" in answer.text
    assert "<html" not in answer.text


async def test_a_key_that_the_database_does_not_know_seals_nothing(visit: Visit, script: Script):
    script.says("GET /.well-known/counterfoil", {"mint_key": {"kid": "x", "key": to_url(OpeningKey.generate().public).decode()}})

    answer = await visit.send("/connectors/new", **FORM, step="look")

    assert answer.status_code == 502
    assert "nothing was sealed" in answer.text
    assert script.sent == []


async def test_a_key_whose_time_is_over_seals_nothing(visit: Visit, owner: asyncpg.Connection, script: Script):
    await owner.execute("UPDATE service_key SET not_after = '2026-11-01Z'")

    assert "nothing was sealed" in (await visit.send("/connectors/new", **FORM, step="look")).text
    assert script.sent == []


async def test_a_name_that_is_taken_overwrites_nothing(visit: Visit, owner: asyncpg.Connection, script: Script):
    await register(owner, "postgres/demo-2")

    answer = await visit.send("/connectors/new", **FORM, step="look")

    assert (answer.status_code, script.sent) == (409, [])


async def test_what_the_form_does_not_have_stays_and_so_does_a_secret(visit: Visit, owner: asyncpg.Connection, script: Script):
    await register(owner, limits={"per_minute": 5, "live": None})
    sent = {name: value for name, value in FORM.items() if name.startswith("config.")}

    answer = await visit.send("/connectors/postgres/demo/edit", **sent, step="look")

    assert "- config.host: h" in answer.text
    assert script.sent[0]["secrets"] == []
    assert script.sent[0]["entries"][0]["limits"] == {"per_minute": 5, "live": None}


async def test_a_new_secret_has_the_next_version(visit: Visit, owner: asyncpg.Connection, script: Script):
    await register(owner)

    await visit.send("/connectors/postgres/demo/edit", **{name: FORM[name] for name in FORM if "." in name}, step="look")

    assert [(one["version"], one["field"]) for one in script.sent[0]["secrets"]] == [(3, "password")]


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"config.host": ""}, "Host is needed"), ({"config.port": "many"}, "Port is no whole number"), ({"secret.password": ""}, "password is needed"),
     ({"called": "No Name"}, "name:"), ({"provider": "nothing"}, "there is no such provider")],
)  # fmt: skip
async def test_a_form_that_is_wrong_says_where(visit: Visit, script: Script, changed: dict[str, str], words: str):
    answer = await visit.send("/connectors/new", **FORM | changed, step="look")

    assert answer.status_code in (404, 422)
    assert words in answer.text
    assert script.sent == []


@pytest.mark.parametrize(
    ("schema", "kind"),
    [({"type": "string"}, "text"), ({"type": "integer"}, "number"), ({"type": "boolean"}, "choice"), ({"enum": ["a"]}, "choice"),
     ({"type": "array"}, "lines"), ({"type": "object"}, "json"), ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
     ({"type": "string", "writeOnly": True}, "secret"), ({"anyOf": [{"enum": ["a"]}, {"type": "null"}]}, "choice")],
)  # fmt: skip
def test_a_schema_is_a_kind_of_field(schema: dict[str, Any], kind: str):
    assert field("it", schema, required=False).kind == kind


def test_values_have_the_types_that_the_schema_wants():
    kinds = {"b": "boolean", "i": "integer", "n": "number", "l": "array", "o": "object"}
    properties: dict[str, Any] = {name: {"type": kind} for name, kind in kinds.items()}
    schema = {"properties": properties | {"k": {"type": "array", "items": {"type": "integer"}}}}
    declared = Declared("postgres", "https://docs.test", "by_name", 60, schema, {"properties": {}})
    texts = {"b": "false", "i": "3", "n": "1.5", "l": "a\r\n\r\nb ", "o": '{"x": 1}', "k": "1\n2"}
    sent = {"called": "x"} | {f"config.{name}": text for name, text in texts.items()}

    assert filled(declared, sent, None).connector.config == {"b": False, "i": 3, "n": 1.5, "l": ["a", "b"], "o": {"x": 1}, "k": [1, 2]}


@pytest.mark.parametrize(("name", "text"), [("b", "maybe"), ("i", "1.5"), ("o", "{")])
def test_a_value_of_another_kind_is_refused(name: str, text: str):
    kind = {"b": "boolean", "i": "integer", "o": "object"}[name]
    declared = Declared("postgres", "https://docs.test", "by_name", 60, {"properties": {name: {"type": kind}}}, {"properties": {}})

    with pytest.raises(Refused):
        filled(declared, {"called": "x", f"config.{name}": text}, None)


async def test_a_request_is_tried_by_the_rules_and_given_as_a_line(visit: Visit, owner: asyncpg.Connection, script: Script):
    await register(owner)
    said = {"granted": False, "code": "beyond_ceiling", "message": "beyond", "rule": None, "fix": "ask for less", "beyond": ["write"],
            "beyond_lifetime": None, "nearest": {"scopes": ["read"]}, "scopes": [], "lifetime": None}  # fmt: skip
    script.says("POST /v1/explain", said)

    answer = await visit.send("/connectors/postgres/demo/try", whose="web/production", scopes="read write", lifetime="5m")

    assert script.sent[-1]["as"] == {"project": "web", "environment": "production"}
    assert (script.sent[-1]["scopes"], script.sent[-1]["lifetime"]) == (["read", "write"], 300)
    assert "web/production would not get it" in answer.text
    assert "counterfoil get postgres/demo --scope read --scope write --lifetime 5m --project web --environment production" in answer.text


async def test_a_line_to_paste_runs_nothing_else(visit: Visit, owner: asyncpg.Connection, script: Script):
    await register(owner)
    script.says("POST /v1/explain", {"granted": True, "code": None, "rule": "r", "scopes": [], "lifetime": 60})

    answer = await visit.send("/connectors/postgres/demo/try", whose="web;id/production", scopes="$(id)")

    assert "--scope &#39;$(id)&#39; --project &#39;web;id&#39;" in answer.text


async def test_a_fence_is_lifted_by_the_gateway(visit: Visit, owner: asyncpg.Connection, script: Script):
    await register(owner, state="fenced")
    script.says("POST /v1/connectors/postgres/demo/unfence", {})

    answer = await visit.send("/connectors/postgres/demo/unfence")

    assert answer.status_code == 200
    assert "postgres/demo lends again." in answer.text


async def test_a_connector_that_is_none_is_not_there(visit: Visit):
    assert (await visit.http.get(f"/connectors/postgres/{uuid4()}")).status_code == 404
