"""A GitHub token from the asking to its end, through every stage, on the emulator of GitHub: the example that everyone comes for."""

import json
from functools import partial
from typing import Any

import httpx
import pytest

from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.sealing import Sealer
from tests.support.github import OTHER, GitHub
from tests.support.town import Town
from tests.support.waiting import until

CONNECTOR, STRICT, KEY = "github/acme-bot", "github/globex-bot", "private_key"
pytestmark = pytest.mark.counterparts


def detail(*repositories: str) -> str:
    return json.dumps([{"type": "github", "repositories": list(repositories)}])


@pytest.fixture(scope="module")
async def bot(town: Town, github: GitHub) -> GitHub:
    """Registered as an operator would; its ceiling leaves out what the installation has beside it."""
    await register(town, github, CONNECTOR, github.config(), "acme/a", "acme/b")
    return github


@pytest.fixture(scope="module")
async def strict(town: Town, github: GitHub) -> GitHub:
    """A fence of this one suspends its installation."""
    await register(town, github, STRICT, github.config(installation_id=OTHER, account="globex", suspend=True), "globex/a")
    return github


async def register(town: Town, github: GitHub, connector: str, config: dict[str, object], *repositories: str) -> None:
    known = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).json()
    sealed = Sealer().seal(github.key, from_url(known["mint_key"]["key"].encode()), binding.root(connector, "default", KEY, 1))
    details = [{"type": "github", "repositories": list(repositories)}]
    ceiling = {"scopes": ["contents:read", "issues:write"], "details": details, "longest": 900}
    entries = [
        {"kind": "connector", "name": connector, "config": config},
        {"kind": "link", "connector": connector, "project": "web", "environments": ["production"], "ceiling": ceiling},
    ]
    secrets = [{"connector": connector, "installation": "default", "field": KEY, "version": 1, "sealed": to_url(sealed).decode()}]
    answer = await town.http.post(f"{town.plan.url}/v1/registry", json={"entries": entries, "secrets": secrets}, headers=await town.admin())
    assert answer.is_success, answer.text


async def ask(town: Town, *repositories: str, scope: str = "contents:read", lifetime: int = 300, connector: str = CONNECTOR) -> httpx.Response:
    details = detail(*(repositories or ("acme/a",)))
    return await town.ask(audience=connector, scope=scope, authorization_details=details, requested_lifetime=lifetime)


async def lent(town: Town, *repositories: str, **more: Any) -> dict[str, Any]:
    """Once the connector has come round to every service."""
    found: dict[str, Any] = {}

    async def given() -> bool:
        nonlocal found
        answer = await ask(town, *repositories, **more)
        found = answer.json()
        assert answer.is_success or found["retryable"] or found["code"] in {"no_link", "unknown_connector"}, found
        return answer.is_success

    await until(given)
    return found


async def test_it_opens_what_was_asked_for_until_it_is_revoked_by_itself(town: Town, bot: GitHub):
    body = await lent(town, "acme/a", "acme/b", scope="issues:write")
    token = body["access_token"]
    assert body["token_type"] == "Bearer"
    assert 290 < body["expires_in"] <= 300
    assert await bot.asks(token, "POST", "/repos/acme/b/issues", json={"title": "lent"}) == 201
    assert await bot.asks(token, "POST", "/repos/acme/closed/issues", json={"title": "not lent"}) in {403, 404}

    bearer = {"Authorization": f"Bearer {await town.id_token()}"}
    revoked = await town.http.post(f"{town.plan.url}/oauth2/revoke", data={"token": token}, headers=bearer)

    assert revoked.status_code == 200, revoked.text
    await until(lambda: dead(bot, token))
    await until(lambda: forgotten(town, body["credential_id"], "revoked"))


async def test_its_lent_time_is_its_end_though_github_gave_it_an_hour(town: Town, bot: GitHub):
    body = await lent(town, lifetime=2)
    assert await bot.asks(body["access_token"], "GET", "/repos/acme/a") in {200, 401}

    await until(lambda: dead(bot, body["access_token"]))
    await until(lambda: forgotten(town, body["credential_id"], "expired"))


async def test_beyond_the_ceiling_is_denied_and_what_names_nothing_is_refused_before_github_is_asked(town: Town, bot: GitHub):
    await lent(town)
    before = len(await bot.minted())

    answers = [await ask(town, scope="contents:write"), await ask(town, "acme/closed"), await town.ask(audience=CONNECTOR, scope="contents:read")]

    assert [one.json()["code"] for one in answers] == ["beyond_ceiling"] * 3
    assert len(await bot.minted()) == before


async def test_what_github_gives_beyond_the_wish_is_ended_and_nobody_gets_it(town: Town, bot: GitHub):
    await lent(town)
    before = set(bot.shim.installation)
    bot.shim.also = {"administration": "write"}
    try:
        answer = await ask(town)
    finally:
        bot.shim.also = {}

    assert (answer.status_code, answer.json()["code"]) == (502, "gave_more")
    (token,) = set(bot.shim.installation) - before
    assert token not in answer.text
    await until(lambda: dead(bot, token))


async def test_a_fence_ends_every_one_of_them(town: Town, bot: GitHub):
    tokens = [(await lent(town))["access_token"] for _ in range(3)]

    await fence(town, CONNECTOR)

    for token in tokens:
        await until(partial(dead, bot, token))
    await unfence(town, CONNECTOR)


async def test_a_fence_that_suspends_stops_what_nobody_holds_too(town: Town, strict: GitHub):
    known = (await lent(town, "globex/a", connector=STRICT))["access_token"]
    before = set(strict.shim.installation)
    strict.shim.lost = True
    try:
        answer = await ask(town, "globex/a", connector=STRICT)
    finally:
        strict.shim.lost = False
    (lost,) = set(strict.shim.installation) - before
    assert (answer.status_code, answer.json()["code"]) == (502, "provider_unknown")
    assert await strict.asks(lost, "GET", "/repos/globex/a") == 200

    await fence(town, STRICT)
    await until(lambda: opens_nothing(strict, known, lost))
    await unfence(town, STRICT)

    await until(lambda: dead(strict, known))
    await until(lambda: opens(strict, lost))  # an hour from its making it ends by itself, and the ledger says so until then


async def opens(github: GitHub, token: str) -> bool:
    return await github.asks(token, "GET", "/repos/globex/a") == 200


async def opens_nothing(github: GitHub, known: str, lost: str) -> bool:
    return await github.asks(lost, "GET", "/repos/globex/a") == 403 and await github.asks(known, "GET", "/repos/globex/a") in {401, 403}


async def fence(town: Town, connector: str) -> None:
    order = {"predicate": {"connector": connector}, "cause": "test"}
    answer = await town.http.post(f"{town.plan.url}/v1/revocations", json=order, headers=await town.admin())
    assert answer.status_code == 202, answer.text


async def unfence(town: Town, connector: str) -> None:
    answer = await town.http.post(f"{town.plan.url}/v1/connectors/{connector}/unfence", headers=await town.admin())
    assert answer.is_success, answer.text


async def dead(github: GitHub, token: str) -> bool:
    return await github.asks(token, "GET", "/repos/acme/a") == 401


async def forgotten(town: Town, credential_id: str, state: str) -> bool:
    """The second seal goes with the credential that it could end."""
    async with town.sql() as db:
        row = await db.fetchrow("SELECT state, seal_2 FROM mint WHERE credential_id = $1", credential_id)
    return row is not None and dict(row) == {"state": state, "seal_2": None}
