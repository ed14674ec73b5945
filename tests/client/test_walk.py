"""The SDK on the whole town: every service, a real Kafka, a real PostgreSQL. Async over HTTP and over the bus, and blocking."""

import asyncio
from types import ModuleType
from typing import Any

import asyncpg
import httpx
import httpx2
import pytest

import counterfoil.sync
from counterfoil import App, Client, Denied, Unsupported
from tests.support.github import GitHub
from tests.support.town import Town
from tests.support.waiting import until
from tests.walk import test_github as walk

REFUSED = (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError)
BOT = "github/walked-bot"
both = pytest.mark.parametrize("transport", ["http", "kafka"])


@pytest.fixture
async def surroundings(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """What a platform puts around an app."""
    known = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).json()
    monkeypatch.setenv("COUNTERFOIL_URL", town.plan.url)
    monkeypatch.setenv("COUNTERFOIL_KAFKA", town.connection.servers)
    monkeypatch.setenv("COUNTERFOIL_LOG_KEY", " ".join(known["log_keys"]))
    monkeypatch.setenv("COUNTERFOIL_ID_TOKEN", await town.id_token())
    return town


async def counts(dsn: str) -> int:
    session = await asyncpg.connect(dsn)
    try:
        return int(await session.fetchval("SELECT count(*) FROM shop.products"))
    finally:
        await session.close()


async def dies(dsn: str) -> None:
    async def is_dead() -> bool:
        try:
            await counts(dsn)
        except REFUSED:
            return True
        return False

    await until(is_dead)


@both
@pytest.mark.usefixtures("surroundings")
async def test_an_app_is_lent_one_credential_and_keeps_it_until_it_gives_it_back(transport: Any):
    async with Client(transport=transport) as cf:
        first = await cf.get_token("postgres/demo", subject=App(), scopes=["read"], lifetime="5m")
        assert await cf.get_token("postgres/demo", ["read"], lifetime=300) is first
        assert first.receipt.log_key == "given"
        assert await counts(first.reveal()) == 3

        assert (await cf.revoke(first))["accepted"]
        second = await cf.get_token("postgres/demo", ["read"], lifetime="5m")
        assert second.credential_id != first.credential_id
        assert await counts(second.reveal()) == 3
        await dies(first.reveal())
        await cf.revoke(second)


@both
@pytest.mark.usefixtures("surroundings")
async def test_a_block_gives_back_at_its_end(transport: Any):
    async with Client(transport=transport) as cf:
        async with cf.credential("postgres/demo", ["read"], lifetime="5m") as credential:
            assert await counts(credential.reveal()) == 3
        await dies(credential.reveal())


async def test_on_the_bus_what_an_operator_revokes_is_dropped_within_a_moment(surroundings: Town):
    async with Client(transport="kafka") as cf:

        async def is_another() -> bool:
            return (await cf.get_token("postgres/demo", ["read"], lifetime="5m")).credential_id != first

        first = (await cf.get_token("postgres/demo", ["read"], lifetime="5m")).credential_id
        other = await cf.get_token("postgres/demo", ["read"], lifetime="6m")
        order = {"predicate": {"credential_id": str(first)}, "cause": "a walk"}
        answer = await surroundings.http.post(f"{surroundings.plan.url}/v1/revocations", json=order, headers=await surroundings.admin())
        assert answer.status_code == 202, answer.text

        await until(is_another)
        assert await cf.get_token("postgres/demo", ["read"], lifetime="6m") is other
        assert await counts(other.reveal()) == 3


@both
@pytest.mark.usefixtures("surroundings")
async def test_explain_says_yes_and_no_and_what_would_do(transport: Any):
    async with Client(transport=transport) as cf:
        good, bad = await cf.explain("postgres/demo", ["read"], lifetime="5m"), await cf.explain("postgres/demo", ["read", "drop"])
        with pytest.raises(Denied) as raised:
            await cf.exchange("postgres/demo", ["read", "drop"])

    assert (good.granted, good.scopes, good.lifetime, good.code) == (True, ("read",), 300, None)
    assert (bad.granted, bad.code, bad.beyond) == (False, "beyond_ceiling", ("drop",))
    assert bad.nearest == raised.value.extra["nearest"]
    assert bad.rule == good.rule == raised.value.extra["rule"]
    assert raised.value.code == bad.code


async def test_a_lent_database_role_is_never_put_into_a_header(surroundings: Town):
    async with Client() as cf, httpx.AsyncClient() as http:
        with pytest.raises(Unsupported, match="no_bearer"):
            await http.get(f"{surroundings.plan.url}/problems/late", auth=cf.auth("postgres/demo", ["read"]))


@pytest.fixture(scope="module")
async def bot(town: Town, github: GitHub) -> GitHub:
    await walk.register(town, github, BOT, github.config(), "acme/a")
    await walk.lent(town, "acme/a", connector=BOT)
    return github


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
async def test_a_token_that_somebody_ended_is_replaced_when_github_says_401(bot: GitHub, library: ModuleType):
    wish: dict[str, Any] = {"scopes": ["contents:read"], "details": [{"type": "github", "repositories": ["acme/a"]}], "lifetime": "5m"}
    async with Client() as cf, library.AsyncClient(auth=cf.auth(BOT, **wish), base_url=bot.url) as http:
        first = await cf.get_token(BOT, **wish)
        assert (await http.get("/repos/acme/a")).status_code == 200
        assert await bot.asks(first.reveal(), "DELETE", "/installation/token") == 204
        assert (await http.get("/repos/acme/a")).status_code == 200
        assert (await cf.get_token(BOT, **wish)).credential_id != first.credential_id
        assert (await http.get("/repos/acme/closed")).status_code in {403, 404}


@both
@pytest.mark.usefixtures("surroundings")
async def test_blocking_it_is_the_same(transport: Any):
    def script() -> tuple[str, str, bool]:
        with counterfoil.sync.Client(transport=transport) as cf:
            kept = cf.get_token("postgres/demo", subject=counterfoil.sync.App(), scopes=["read"], lifetime="5m")
            assert cf.get_token("postgres/demo", ["read"], lifetime=300) is kept
            with cf.credential("postgres/demo", scopes=["read"]) as credential:
                assert asyncio.run(counts(credential.reveal())) == asyncio.run(counts(kept.reveal())) == 3
            with pytest.raises(Denied):
                cf.get_token("postgres/demo", ["drop"])
            return kept.reveal(), credential.reveal(), cf.explain("postgres/demo", ["read"]).granted

    kept, given_back, granted = await asyncio.to_thread(script)

    assert granted
    assert await counts(kept) == 3
    await dies(given_back)
