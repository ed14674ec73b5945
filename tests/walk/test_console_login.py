"""All processes with the console among them: a login link leads in and is good once; what was signed for the console lends nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from services.dev import first
from services.dev.login_link import link
from services.dev.postgres import Postgres
from services.dev.town import CONSOLE_CLIENT
from tests.support.town import Town, founded
from tests.support.waiting import until

ADMIN = {"sub": "admin", "project": "web", "environment": "production", "audience": CONSOLE_CLIENT}


@pytest.fixture(scope="module")
async def town(kafka: str, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with founded(tmp_path_factory.mktemp("console"), kafka, postgres_server, console=True) as made:
        yield made


def one_time_link(town: Town) -> str:
    return link(Path(town.plan.folder), town.plan.ports["console-http"])


async def followed(browser: httpx.AsyncClient, address: str) -> httpx.Response:
    answer = await browser.get(address)
    while answer.is_redirect:
        answer = await browser.get(urljoin(str(answer.request.url), answer.headers["location"]))
    return answer


async def test_a_link_leads_to_the_overview_and_only_once(town: Town):
    address = one_time_link(town)
    async with httpx.AsyncClient(trust_env=False) as browser, httpx.AsyncClient(trust_env=False) as another:
        page = await followed(browser, address)
        again = await followed(another, address)
        stranger = await another.get(f"{town.plan.console}/audit")

    assert (page.status_code, str(page.url)) == (200, f"{town.plan.console}/")
    assert "<strong>admin</strong>" in page.text
    assert "admin · until" in page.text
    assert (again.status_code, "used before" in again.text) == (403, True)
    assert stranger.headers["location"] == "/login?then=%2Faudit"


async def test_three_exchanges_are_made_for_an_empty_log_and_then_no_more(town: Town):
    assert [await first.exchanges(town.plan), await first.exchanges(town.plan)] == [True, False]

    async with town.sql() as db:

        async def revoked() -> bool:
            return bool(await db.fetchval("SELECT count(*) FROM mint WHERE state = 'revoked'"))

        await until(revoked)
        assert await db.fetchval("SELECT count(*) FROM mint WHERE state = 'active'") == 1
        kinds = await db.fetch("SELECT convert_from(bytes, 'UTF8')::jsonb #>> '{fact,kind}' AS kind FROM audit_leaf")
    assert [row["kind"] for row in kinds].count("grant.denied") == 1


async def test_a_token_for_the_console_opens_v1_for_an_operator_and_lends_nothing(town: Town):
    token = await town.id_token(**ADMIN)
    bearer = {"Authorization": f"Bearer {token}"}

    whoami = (await town.http.get(f"{town.plan.url}/v1/whoami", headers=bearer)).json()
    exchanged = await town.ask(token)
    others = await town.http.get(f"{town.plan.url}/v1/whoami", headers={"Authorization": f"Bearer {await town.id_token(audience=CONSOLE_CLIENT)}"})

    assert (whoami["role"], "change_registry" in whoami["may"]) == ("admin", True)
    assert (exchanged.status_code, exchanged.json()["code"]) == (400, "wrong_audience")
    assert (others.status_code, others.json()["code"]) == (401, "wrong_audience")


async def test_the_console_ends_when_it_is_told_to_and_its_log_holds_no_secret(town: Town):
    async with httpx.AsyncClient(trust_env=False) as browser:
        await followed(browser, one_time_link(town))
        cookies = [str(cookie.value) for cookie in browser.cookies.jar]
    console = town.child("console")
    log = console.log.read_text()

    await asyncio.wait_for(town.stop("console"), 20)

    assert console.process.returncode == 0
    assert [value for value in [*cookies, "eyJ", "ticket="] if value in log] == []
    assert '"level": "error"' not in log
    await town.start("console")
