"""A newcomer's walk in a real browser: signed in by a link, an exchange that appears live, why it was granted, its end, its proof. On real parts."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from services.dev import first
from services.dev.login_link import link
from services.dev.postgres import Postgres
from tests.browser.conftest import Opened, Tab
from tests.support.town import Town, founded

PAGES = ("/", "/live", "/connectors", "/links", "/policies", "/revoke", "/audit", "/system")
SLOW_MS = 20_000


@pytest.fixture(scope="module")
async def town(kafka: str, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with founded(tmp_path_factory.mktemp("browser"), kafka, postgres_server, console=True) as made:
        await first.exchanges(made.plan)
        yield made


async def sign_in(tab: Tab, town: Town) -> None:
    await tab.page.goto(link(Path(town.plan.folder), town.plan.ports["console-http"]))
    await tab.page.wait_for_selector("h1:has-text('Overview')")


def hosts(town: Town) -> tuple[str, str]:
    """The console's, and while one signs in the issuer's."""
    return urlsplit(town.plan.console).netloc, urlsplit(town.plan.issuer).netloc


async def test_an_exchange_appears_live_is_explained_ended_and_proven(opened: Opened, town: Town):
    async with opened(*hosts(town)) as tab:
        await sign_in(tab, town)
        page = tab.page
        await page.click("nav >> text=Live exchanges")
        await page.wait_for_selector("#rows tr")

        answer = (await town.ask()).json()
        row = page.locator(f"#rows a[href='/live/{answer['request_id']}']")
        await row.wait_for(timeout=SLOW_MS)
        await tab.picture("live")
        await row.click()
        sheet = page.locator("dialog[open]")
        await sheet.wait_for()
        assert "Claims that were used" in await sheet.inner_text()
        assert await sheet.locator("svg rect.work").count() > 0
        await tab.picture("exchange")
        await page.keyboard.press("Escape")

        await page.goto(f"{town.plan.console}/revoke?project=web")
        await page.click("#revoke-preview")
        await page.wait_for_selector("#revoke-confirm")
        await tab.picture("revoke-preview")
        await page.fill("#revoke-cause", "a newcomer's walk")
        await page.fill("#revoke-confirm", re.sub(r"\s", "", await page.locator("label[for='revoke-confirm'] code").first.inner_text()))
        await page.click("#revoke-order")
        await page.wait_for_selector("#revoke-progress[data-state='revoked']", timeout=SLOW_MS)
        await tab.picture("revoked")

        await page.goto(f"{town.plan.console}/audit/0")
        await page.click("#proof-verify")
        await page.wait_for_selector("#proof-verdict[data-verdict='proven']")
        await tab.picture("proof")
        await page.click("#proof-tamper")
        await page.wait_for_selector("#proof-verdict[data-verdict='refused']")


async def test_every_page_is_reached_by_keys_alone(opened: Opened, town: Town):
    async with opened(*hosts(town)) as tab:
        await sign_in(tab, town)
        for letter, path in zip("lcpyraso", (*PAGES[1:], PAGES[0]), strict=True):
            await tab.page.keyboard.press("g")
            await tab.page.keyboard.press(letter)
            await tab.page.wait_for_url(f"{town.plan.console}{path}")
            assert await tab.page.locator("nav [aria-current='page']").get_attribute("href") == path
        await tab.page.keyboard.press("?")
        await tab.page.wait_for_selector("dialog#keys[open]")
        await tab.page.keyboard.press("Escape")
        await tab.page.goto(f"{town.plan.console}/live")
        await tab.page.keyboard.press("j")
        await tab.page.keyboard.press("Enter")
        await tab.page.wait_for_selector("dialog[open] h2:has-text('Exchange')")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_no_page_has_a_barrier(opened: Opened, town: Town, dark: bool):
    found: dict[str, object] = {}
    async with opened(*hosts(town), dark=dark) as tab:
        await sign_in(tab, town)
        for path in PAGES:
            await tab.page.goto(f"{town.plan.console}{path}")
            await tab.page.wait_for_selector("h1")
            found[path] = await tab.barriers()
            await tab.picture(f"{path.strip('/') or 'overview'}-{'dark' if dark else 'light'}")

    assert found == {path: [] for path in PAGES}
