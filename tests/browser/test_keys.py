"""Without a mouse: every page, a whole task from finding to ending, an exchange and its waterfall; and letters that can be letters again."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tests.browser.conftest import Opened
from tests.browser.tab import Tab
from tests.browser.walking import PAGES, confirmed, hosts, lent, linked, reach, sign_in
from tests.support.town import Town

NO_POINTER = "addEventListener('pointerdown', () => { sessionStorage.pointer = 'used'; }, true)"
Handless = Callable[[], AbstractAsyncContextManager[Tab]]


@pytest.fixture
async def handless(opened: Opened, town: Town) -> Handless:
    """Signed in, and nothing was ever pointed at: pages themselves keep watch."""

    @asynccontextmanager
    async def tab() -> AsyncIterator[Tab]:
        async with opened(*hosts(town)) as made:
            await made.page.add_init_script(NO_POINTER)
            await sign_in(made, town)
            yield made
            assert await made.page.evaluate("sessionStorage.pointer") is None

    return tab


async def test_every_page_is_reached_by_two_keys(handless: Handless, town: Town):
    async with handless() as tab:
        for letter, path in zip("lcpyraso", (*PAGES[1:], PAGES[0]), strict=True):
            await tab.page.keyboard.press("g")
            await tab.page.keyboard.press(letter)
            await tab.page.wait_for_url(f"{town.plan.console}{path}")
            assert await tab.page.locator("nav [aria-current='page']").get_attribute("href") == path
        await tab.page.keyboard.press("?")
        await tab.page.wait_for_selector("dialog#keys[open]")
        await tab.look("keys")
        await tab.page.keyboard.press("Escape")
        await tab.page.wait_for_selector("dialog#keys", state="hidden")


async def test_a_projects_credentials_are_found_and_ended(handless: Handless, town: Town):
    await linked(town, "by-keys")
    await lent(town, "postgres/demo", "by-keys")
    async with handless() as tab:
        page, keys = tab.page, tab.page.keyboard
        await keys.press("Control+k")
        await keys.type("revoke")
        await keys.press("Enter")
        await page.wait_for_url(f"{town.plan.console}/revoke")
        await keys.press("/")
        assert await page.evaluate("document.activeElement.matches('[data-question]')")
        await reach(tab, "#of-project")
        await keys.type("by-keys")
        await keys.press("Enter")
        await page.wait_for_selector("#blast-title:has-text('1 credential ')")
        await reach(tab, "#revoke-cause")
        await keys.type("by keys alone")
        await reach(tab, "#revoke-confirm")
        await keys.type(await confirmed(tab))
        await reach(tab, "#revoke-order")
        await keys.press("Enter")
        await page.wait_for_selector("#revoke-progress[data-state='revoked'][data-done='1'][data-total='1']")
        await reach(tab, "a[href$='/record']")
        await keys.press("Enter")
        await page.wait_for_selector("text=by keys alone")


async def test_an_exchange_is_opened_read_and_closed(handless: Handless, town: Town):
    await lent(town, "postgres/demo", "web")
    async with handless() as tab:
        page, keys = tab.page, tab.page.keyboard
        await keys.press("g")
        await keys.press("l")
        await page.wait_for_selector("#rows tr >> nth=2")
        for key in "jjk":
            await keys.press(key)
        row = await page.evaluate("document.activeElement.getAttribute('href')")
        assert row == await page.locator("#rows a").first.get_attribute("href")
        await keys.press("Enter")
        await page.locator("dialog[open] #waterfall tr", has_text="mint postgres").wait_for()
        await page.wait_for_selector("#waterfall:not([hx-get])")
        await reach(tab, "[role='treegrid'] tbody tr")
        await read(tab)
        await keys.press("Escape")
        await page.wait_for_selector("dialog", state="hidden")
        assert await page.evaluate("document.activeElement.getAttribute('href')") == row


async def read(tab: Tab) -> None:
    """The tree of a waterfall: https://www.w3.org/WAI/ARIA/apg/patterns/treegrid/"""
    keys, rows = tab.page.keyboard, tab.page.locator("#waterfall tbody tr")
    many, seen = await rows.count(), tab.page.locator("#waterfall tbody tr >> visible=true")

    async def at() -> int:
        return int(await tab.page.evaluate("document.activeElement.sectionRowIndex"))

    async def after(key: str) -> int:
        await keys.press(key)
        return await at()

    assert [await after(key) for key in ("ArrowDown", "ArrowDown", "ArrowUp", "End", "Home")] == [1, 2, 1, many - 1, 0]
    assert (await after("ArrowLeft"), await seen.count(), await rows.first.get_attribute("aria-expanded")) == (0, 1, "false")
    assert (await after("End"), await after("ArrowRight"), await seen.count()) == (0, 0, many)
    assert (await after("ArrowRight"), await rows.nth(1).get_attribute("aria-level")) == (1, "2")
    assert (await after("ArrowLeft"), await seen.count() < many) == (1, True)
    assert (await after("ArrowLeft"), await rows.first.get_attribute("tabindex")) == (0, "0")
    assert await tab.page.locator("#waterfall tr[tabindex='0']").count() == 1


async def test_a_place_is_found_by_a_part_of_its_name(handless: Handless, town: Town):
    async with handless() as tab:
        page, keys = tab.page, tab.page.keyboard
        await keys.press("Control+k")
        await page.wait_for_selector("dialog#jump[open]")
        await tab.look("jump")
        await keys.type("link")
        await page.wait_for_selector("#jump-count:has-text('2 of')")
        for key in ("ArrowDown", "ArrowDown", "Enter"):
            await keys.press(key)
        await page.wait_for_url(f"{town.plan.console}/links/new")
        await keys.press("Control+k")
        await keys.press("Control+k")
        await page.wait_for_selector("dialog#jump", state="hidden")


async def test_letters_can_be_letters_again(handless: Handless):
    async with handless() as tab:
        page, keys = tab.page, tab.page.keyboard
        await keys.press("?")
        await reach(tab, "#keys-letters")
        await keys.press("Space")
        await keys.press("Escape")
        await page.reload()
        await keys.press("?")
        assert not await page.locator("dialog#keys").is_visible()
        await keys.press("Control+k")
        await keys.type("keys")
        await keys.press("Enter")
        await page.wait_for_selector("dialog#keys[open]")
        assert not await page.locator("#keys-letters").is_checked()
