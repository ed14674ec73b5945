"""A person is asked, sent on their way, and what they bring back goes sealed to mint. Mint is not here: its rows are written by the test."""

import json
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from counterfoil.contracts.consent_returned import ConsentReturned
from counterfoil.contracts.registry import Ceiling, Connector, Link
from counterfoil.contracts.revocation_requested import Actor
from counterfoil.wire import users
from counterfoil_server.runtime.store import registry_rows
from counterfoil_server.runtime.store.registry_rows import Put
from services.gateway import consent_bringing
from tests.gateway.conftest import Town
from tests.gateway.identities import ISSUER, bearer
from tests.gateway.rows import agreed

NAME = "oauth2/crm"
CONFIG = {"issuer": "https://as.example", "client_id": "us", "people": True}
ASKED = {"connector": NAME, "user": "u-1", "scopes": ["read"]}
PLACE = "INSERT INTO consent_place VALUES ($1, 'default', 'https://as.example/authorize?x=1', 'https://as.example', $2, $3)"


async def crm(town: Town, *, users: bool = True, says_issuer: bool = False) -> None:
    ceiling = Ceiling(scopes=frozenset({"read"}), users=users)
    link = Link(connector=NAME, project="web", environments=frozenset({"production"}), ceiling=ceiling)
    actor = Actor(issuer=ISSUER, sub_hash="0" * 64, role="ops")
    await registry_rows.change(town.db, [Put(Connector(name=NAME, config=CONFIG)), Put(link)], actor, town.asker.now())
    await town.registry.load()
    fixed = json.dumps({"client_id": "us", "response_type": "code", "scope": "offline_access"})
    await town.root.execute(PLACE, NAME, says_issuer, fixed)


async def asked(town: Town, **more: object) -> str:
    """The link's path."""
    made = await town.http.post("/v1/consents", json=ASKED | more, headers=bearer())
    assert made.status_code == 201, made.text
    return str(urlsplit(made.json()["url"]).path)


async def test_who_is_sent_carries_a_state_and_a_challenge_and_the_scopes_that_are_wanted(manned: Town):
    await crm(manned)

    away = await manned.http.get(await asked(manned))

    to = urlsplit(away.headers["location"])
    said = {name: value for name, (value,) in parse_qs(to.query).items()}
    assert (away.status_code, to.netloc, said["x"], said["scope"]) == (303, "as.example", "1", "offline_access read")
    assert said["redirect_uri"].endswith("/consent/back")
    assert len(said["state"]) == len(said["code_challenge"]) == 43
    assert "httponly" in away.headers["set-cookie"].lower()
    row = await manned.root.fetchrow("SELECT * FROM consent")
    assert row["user_digest"] == users.digest("u-1")
    assert not any(value in repr(dict(row)) for value in (said["state"], "u-1"))


async def test_what_comes_back_is_on_the_bus_sealed_and_nowhere_else(manned: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    monkeypatch.setattr(consent_bringing, "PATIENCE", 0.05)
    await crm(manned)
    away = await manned.http.get(await asked(manned))
    state = parse_qs(urlsplit(away.headers["location"]).query)["state"][0]

    page = await manned.http.get("/consent/back", params={"state": state, "code": "canary-code"})

    (out,) = manned.sent
    assert isinstance(out.fact, ConsentReturned)
    assert (page.status_code, "Not yet" in page.text) == (504, True)
    row = await manned.root.fetchrow("SELECT * FROM consent")
    assert not any("canary-code" in text for text in (out.bytes().decode(), repr(dict(row)), page.text, caplog.text))
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("iss", "says_issuer"), [*((one, says) for one in ("https://evil.example", "https://as.example/") for says in (False, True)), (None, True)]
)
async def test_the_answer_of_another_server_is_not_used(manned: Town, iss: str | None, says_issuer: bool):
    """RFC 9207: where it says its name it has to be right, and where it says that it will, it has to be there."""
    await crm(manned, says_issuer=says_issuer)
    away = await manned.http.get(await asked(manned))
    said = {"state": parse_qs(urlsplit(away.headers["location"]).query)["state"][0], "code": "c"} | ({"iss": iss} if iss else {})

    page = await manned.http.get("/consent/back", params=said)

    assert (page.status_code, manned.sent) == (400, [])


async def test_a_link_that_nobody_made_and_one_that_is_old_lead_nowhere(manned: Town):
    await crm(manned)
    path = await asked(manned)
    await manned.root.execute("UPDATE consent SET expires_at = now() - interval '1 second'")

    for old in (path, "/consent/none-of-ours"):
        assert (await manned.http.get(old)).status_code == 404
    for back in ("/consent/back", "/consent/back?state=x&code=y"):
        assert (await manned.http.get(back)).status_code == 400


async def test_nobody_is_asked_where_the_link_or_the_connector_does_not_say_so(manned: Town):
    await crm(manned, users=False)
    denied = await manned.http.post("/v1/consents", json=ASKED, headers=bearer())
    assert (denied.status_code, denied.json()["code"]) == (403, "beyond_ceiling")

    await manned.root.execute("DELETE FROM consent_place")
    ceiling = Ceiling(scopes=frozenset({"read"}), users=True)
    link = Link(connector=NAME, project="web", environments=frozenset({"production"}), ceiling=ceiling)
    await registry_rows.change(manned.db, [Put(link)], Actor(issuer=ISSUER, sub_hash="0" * 64, role="ops"), manned.asker.now())
    await manned.registry.load()
    asks_nobody = await manned.http.post("/v1/consents", json=ASKED, headers=bearer())
    assert (asks_nobody.status_code, asks_nobody.json()["code"]) == (409, "conflict")


NOWHERE = ("javascript:x", "http://app.example/", "https://", "https://a.example/#f", "//a")
BAD = [{"user": ""}, {"user": 7}, {"connector": "crm"}, {"more": 1}, {"scopes": "read"}, {"user": "u" * 257}]


@pytest.mark.parametrize("bad", [*BAD, *({"return_to": one} for one in NOWHERE)])
async def test_a_question_is_read_strictly(manned: Town, bad: dict[str, object]):
    await crm(manned)

    answer = await manned.http.post("/v1/consents", json=ASKED | bad, headers=bearer())

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


async def test_grants_are_ones_own_projects_and_by_the_user(manned: Town):
    own, other, foreign = await agreed(manned.root, "web", users.digest("u-1")), await agreed(manned.root, "web"), await agreed(manned.root, "api")

    async def listed(caller: str, **asked: str) -> set[str]:
        found = await manned.http.get("/v1/grants", params=asked, headers=bearer(caller))
        assert found.status_code == 200, found.text
        return {one["grant_id"] for one in found.json()["grants"]}

    assert await listed("app") == {str(own), str(other)}
    assert await listed("app", project="api") == {str(own), str(other)}
    assert await listed("viewer") == {str(own), str(other), str(foreign)}
    assert await listed("viewer", user="u-1") == {str(own)}
    assert await listed("viewer", user="u-1", user_issuer="https://elsewhere.example") == set()


async def test_the_end_of_a_grant_is_on_record_with_who_ended_it_once(manned: Town):
    grant = await agreed(manned.root, "web")

    for _ in range(2):
        ended = await manned.http.delete(f"/v1/grants/{grant}", headers=bearer())
        assert (ended.status_code, ended.json()["state"]) == (200, "ending"), ended.text

    rows = await manned.root.fetch("SELECT change, actor, entry FROM registry_change WHERE entry_kind = 'grant'")
    assert [(row["change"], json.loads(row["actor"])["role"]) for row in rows] == [("grant_ended", "app")]
    assert (await manned.http.delete(f"/v1/grants/{uuid4()}", headers=bearer())).status_code == 404


async def test_scopes_go_by_the_name_that_the_provider_has_for_them(manned: Town):
    await crm(manned)
    fixed = json.dumps({"client_id": "us", "scope_parameter": "user_scope", "scope_separator": ","})
    await manned.root.execute("UPDATE consent_place SET parameters = $1", fixed)

    said = parse_qs(urlsplit((await manned.http.get(await asked(manned))).headers["location"]).query)

    assert said["user_scope"] == ["read"]
    assert not {"scope", "scope_parameter", "scope_separator"} & said.keys()


async def test_who_we_are_stands_at_the_clients_own_address(manned: Town):
    said = (await manned.http.get("/consent/client.json")).json()

    assert said["client_id"].endswith("/consent/client.json")
    assert said["redirect_uris"] == [said["client_id"].replace("client.json", "back")]
    assert (said["token_endpoint_auth_method"], said["application_type"]) == ("none", "web")
