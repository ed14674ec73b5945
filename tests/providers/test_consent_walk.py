"""On behalf of a person, through every process: asked, agreed to at a real authorization server, lent, narrowed, and ended by them."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from counterfoil import User
from counterfoil.client.errors import ConsentRequired
from counterfoil.wire import users
from tests.support.oauth2 import connect
from tests.support.oidc import SECRETS, Oidc
from tests.support.person import person
from tests.support.town import Town
from tests.support.waiting import until


@pytest.fixture
async def crm(town: Town, oidc: Oidc) -> str:
    """A connector that lends on behalf of people."""
    name = await connect(town, oidc.config("people", people=True, prompt="consent"), SECRETS["people"], users=True)

    async def placed() -> bool:
        async with town.sql() as db:
            return bool(await db.fetchval("SELECT EXISTS (SELECT FROM consent_place WHERE connector = $1)", name))

    await until(placed)
    return name


async def asks(town: Town, crm: str, user: str, scope: str = "read", **more: Any) -> httpx.Response:
    return await town.ask(audience=crm, scope=scope, requested_subject=user, requested_lifetime=300, **more)


async def bearer(town: Town) -> dict[str, str]:
    return {"Authorization": f"Bearer {await town.id_token()}"}


async def agreed(town: Town, crm: str, user: str, scope: str = "read write") -> None:
    no = await asks(town, crm, user, scope)
    assert (no.status_code, no.json()["error"], no.json()["code"]) == (400, "consent_required", "consent_required"), no.text
    async with person() as ada:
        page = await ada.agrees(no.json()["url"])
    assert (page.status_code, "may now act for you" in page.text) == (200, True), page.text


async def test_a_person_agrees_and_what_is_lent_is_theirs_narrowed_and_dies_when_they_end_it(town: Town, oidc: Oidc, crm: str):
    await agreed(town, crm, "u-1")

    lent = (await asks(town, crm, "u-1")).json()
    assert "access_token" in lent, lent["receipt"]["leaf"]
    wide = (await asks(town, crm, "u-1", "read write")).json()

    assert (lent["scope"], wide["scope"]) == ("read", "read write")
    assert (await oidc.says(lent["access_token"]))["scope"] == "read"
    assert (await oidc.says(wide["access_token"]))["sub"] == "ada"
    assert (await asks(town, crm, "u-2")).json()["code"] == "consent_required"
    fact = json.loads(lent["receipt"]["leaf"])["fact"]
    assert fact["user"] == users.digest("u-1")

    (grant,) = (await town.http.get(f"{town.plan.url}/v1/grants", params={"connector": crm, "user": "u-1"}, headers=await bearer(town))).json()[
        "grants"
    ]
    assert (grant["state"], grant["scopes"]) == ("live", ["read", "write"])
    ended = await town.http.delete(f"{town.plan.url}/v1/grants/{grant['grant_id']}", headers=await bearer(town))
    assert ended.json()["state"] == "ending", ended.text

    async def dead() -> bool:
        found = (await town.http.get(f"{town.plan.url}/v1/grants/{grant['grant_id']}", headers=await bearer(town))).json()
        return found["state"] == "ended" and not await oidc.active(lent["access_token"]) and not await oidc.active(wide["access_token"])

    await until(dead)
    assert (await asks(town, crm, "u-1")).json()["code"] == "consent_required"
    for secret in (lent["access_token"], "u-1"):
        assert secret.encode() not in town.logs()


async def test_one_credential_is_left_to_its_own_end_where_the_server_would_end_all_with_it(town: Town, oidc: Oidc, crm: str):
    await agreed(town, crm, "u-3")
    first, second = [(await asks(town, crm, "u-3")).json() for _ in range(2)]

    await town.http.post(f"{town.plan.url}/oauth2/revoke", data={"token": first["credential_id"]}, headers=await bearer(town))

    async def left() -> bool:
        async with town.sql() as db:
            return bool(await db.fetchval("SELECT state = 'uncertain' FROM mint WHERE credential_id = $1", first["credential_id"]))

    await until(left)
    assert await oidc.active(second["access_token"])
    assert await oidc.active((await asks(town, crm, "u-3")).json()["access_token"])


async def test_who_wants_more_than_was_agreed_to_has_to_ask_again(town: Town, crm: str):
    await agreed(town, crm, "u-4", "read")
    assert (await asks(town, crm, "u-4", "read write")).json()["code"] == "consent_required"

    await agreed(town, crm, "u-4", "read write")

    assert (await asks(town, crm, "u-4", "read write")).json()["scope"] == "read write"


async def test_over_either_transport_the_error_says_where_to_send_them(town: Town, crm: str):
    for transport in ("http", "kafka"):
        async with town.client(transport) as cf:
            with pytest.raises(ConsentRequired) as raised:
                await cf.get_token(crm, ["read"], subject=User(f"u-{transport}"))
            assert (raised.value.url or "").startswith(f"{town.plan.url}/consent/")
            async with person() as ada:
                await ada.agrees(raised.value.url or "")
            assert (await cf.get_token(crm, ["read"], subject=User(f"u-{transport}"))).scopes == frozenset({"read"})


async def test_a_link_says_whether_it_may_ask_on_behalf_of_users(town: Town, oidc: Oidc):
    name = await connect(town, oidc.config("people", people=True), SECRETS["people"])

    answer = await asks(town, name, "u-1")

    assert answer.json()["code"] == "beyond_ceiling", answer.text
    assert "on behalf of a user" in json.loads(answer.json()["receipt"]["leaf"])["fact"]["message"]


async def test_who_says_no_at_the_provider_gives_nothing_and_it_is_on_record(town: Town, crm: str):
    made = await town.http.post(
        f"{town.plan.url}/v1/consents", json={"connector": crm, "user": "u-5", "scopes": ["read"]}, headers=await bearer(town)
    )
    assert made.status_code == 201, made.text
    async with person() as ada:
        page = await ada.refuses(made.json()["url"])

    assert (page.status_code, "Nothing was given" in page.text) == (403, True), page.text
    came = await town.http.get(f"{town.plan.url}/v1/consents/{made.json()['consent_id']}", headers=await bearer(town))
    assert (came.json()["outcome"], came.json()["code"]) == ("refused", "declined")

    async def on_record() -> bool:
        async with town.sql() as db:
            leaf = await db.fetchval("SELECT bytes FROM audit_leaf JOIN audit_about a USING (idx) WHERE a.id = $1", came.json()["consent_id"])
        return leaf is not None and json.loads(bytes(leaf))["fact"]["kind"] == "consent.refused"

    await until(on_record)


async def test_what_comes_back_in_another_browser_or_a_second_time_leads_nowhere(town: Town, crm: str):
    link = (await asks(town, crm, "u-6")).json()["url"]
    async with person() as ada, person("mallory") as mallory:
        away = await ada.http.get(link)
        state = parse_qs(urlsplit(away.headers["location"]).query)["state"][0]
        stolen = await mallory.http.get(f"{town.plan.url}/consent/back", params={"state": state, "code": "x"})
        forged = await ada.http.get(f"{town.plan.url}/consent/back", params={"state": state, "code": "x", "iss": "https://elsewhere.example"})
        assert (stolen.status_code, forged.status_code) == (400, 400)
        page = await ada.agrees(link)
        again = await ada.follow(link)

    assert (page.status_code, again.status_code) == (200, 404)
    assert (await asks(town, crm, "u-6")).status_code == 200


async def test_back_in_the_app_it_learns_what_came_of_it(town: Town, crm: str):
    asked = {"connector": crm, "user": "u-7", "scopes": ["read"], "return_to": "http://127.0.0.1:1/done?x=1"}
    made = await town.http.post(f"{town.plan.url}/v1/consents", json=asked, headers=await bearer(town))
    async with person() as ada:
        with pytest.raises(httpx.ConnectError) as raised:
            await ada.agrees(made.json()["url"])

    query = parse_qs(urlsplit(str(raised.value.request.url)).query)
    assert query == {"x": ["1"], "consent": [made.json()["consent_id"]], "outcome": ["granted"]}
    bad = await town.http.post(f"{town.plan.url}/v1/consents", json=asked | {"return_to": "javascript:alert(1)"}, headers=await bearer(town))
    assert bad.json()["code"] == "malformed_request"
