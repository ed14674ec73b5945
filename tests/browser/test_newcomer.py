"""A newcomer's walk on real parts: a connector and a link by the pages, a mint by the command line, its waterfall, its end, its proof."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.dev.demo import BROKER, DATABASE
from tests.browser.conftest import Opened
from tests.browser.tab import Tab
from tests.browser.walking import confirmed, get, hosts, lent, sign_in
from tests.support.demo import BROKER_PASSWORD
from tests.support.town import Town
from tests.support.waiting import until

NAME, PROJECT, MANY = "postgres/newcomer", "newcomer", 3
SERVICES = ("gateway", "verifier", "policy", "mint", "audit")


async def test_from_login_to_a_proof(opened: Opened, town: Town):
    async with opened(*hosts(town)) as tab:
        await sign_in(tab, town)
        await connector_made(tab, town)
        await link_made(tab)
        await seen_live(tab, town)
        others = [await lent(town, NAME, PROJECT) for _ in range(MANY - 1)]
        await ended(tab, town)
        await recorded(tab, [one["credential_id"] for one in others])
        await proven(tab)


async def connector_made(tab: Tab, town: Town) -> None:
    """A second one of the demo's own database."""
    page, (host, port) = tab.page, town.plan.postgres
    await page.click("nav >> text=Connectors")
    await page.click("text=New postgres connector")
    await page.fill("#called", PROJECT)
    for name, value in (("host", host), ("port", str(port)), ("database", DATABASE), ("broker", BROKER), ("schemas", "shop")):
        await page.fill(f"#config-{name}", value)
    await page.fill("#secret-password", BROKER_PASSWORD)
    await tab.look("connector-new", whole=True)
    await page.click("text=See what would change")
    await page.wait_for_selector("#look >> text=root secret password, sealed")
    assert "+" in await page.locator("#look .diff").inner_text()
    assert BROKER_PASSWORD not in await page.content()
    await tab.look("connector-new-look", whole=True)
    await page.click(f"text=Create {NAME}")
    await page.wait_for_url(f"{town.plan.console}/connectors/{NAME}")
    await page.wait_for_selector("text=No project is linked to it")
    await tab.look("connector", whole=True)


async def link_made(tab: Tab) -> None:
    page = tab.page
    await page.click("text=Link it")
    await page.fill("#project", PROJECT)
    await page.fill("#environments", "production")
    await page.fill("#scopes", "read")
    await page.click("text=See the difference")
    await page.wait_for_selector(f"#look h2:has-text('New link {PROJECT}/production->{NAME}')")
    row = page.locator("#look tr", has=page.locator("th", has_text="scopes"))
    assert await row.locator("td").last.inner_text() == "added"
    assert "read" in await row.locator(".plus").inner_text()
    await tab.look("link-new-look", whole=True)
    await page.click("text=Save it")
    await page.wait_for_selector("h1:has-text('Projects and links')")
    await page.wait_for_selector("#links td.cell:has-text('read')")


async def seen_live(tab: Tab, town: Town) -> None:
    """The page is open already; the row comes by itself, and its sheet fills from the spans that the services send to this very console."""
    page = tab.page
    await page.click("nav >> text=Live exchanges")
    await page.wait_for_selector("h1:has-text('Live exchanges')")
    row = page.locator("#rows tr", has_text=PROJECT).filter(has_text="granted")
    assert await row.count() == 0

    async def minted() -> bool:
        return (await get(town, NAME, PROJECT)).code == 0

    await until(minted)
    await row.wait_for()
    await tab.look("live-mint")
    await row.locator("a").click()
    waterfall = page.locator("dialog[open] #waterfall")
    for service in SERVICES:
        await waterfall.locator("tbody tr small", has_text=service).first.wait_for()
    assert (await waterfall.locator("p").inner_text()).startswith("From its ")
    queued, worked = waterfall.locator("rect[fill^='url(#hatch-']"), waterfall.locator("rect.work")
    assert await queued.count() > 2
    assert await worked.count() == await waterfall.locator("tbody tr").count()
    assert "Claims that were used" in await page.locator("dialog[open]").inner_text()
    await tab.look("exchange")
    await page.keyboard.press("Escape")


@asynccontextmanager
async def held(town: Town) -> AsyncIterator[None]:
    """Nobody asks providers to end anything, so that an order is seen under way."""
    await town.stop("revoke")
    try:
        yield
    finally:
        await town.start("revoke")


async def ended(tab: Tab, town: Town) -> None:
    """All of a project: seen first, typed, and followed on one page that is not loaded again."""
    page = tab.page
    await page.click("nav >> text=Revoke")
    await page.fill("#of-project", PROJECT)
    await page.click("#revoke-preview")
    await page.wait_for_selector(f"#blast-title:has-text('{MANY} credentials')")
    await page.fill("#revoke-cause", "a newcomer's walk")
    assert await page.locator("#revoke-order").is_disabled()
    await page.fill("#revoke-confirm", await confirmed(tab))
    await tab.look("revoke-preview")
    async with held(town):
        await page.click("#revoke-order")
        await page.wait_for_selector(f"#revoke-progress[data-done='0'][data-total='{MANY}']")
        await page.evaluate("window.loadedOnce = true")
        await page.wait_for_selector("text=Under way")
        await tab.look("order-under-way", whole=True)
    await page.wait_for_selector(f"#revoke-progress[data-state='revoked'][data-done='{MANY}'][data-total='{MANY}']")
    assert await page.evaluate("window.loadedOnce")
    assert f"{MANY} of {MANY} confirmed dead" in await page.locator("#revoke-progress").inner_text()


async def recorded(tab: Tab, names: list[str]) -> None:
    page = tab.page
    await page.wait_for_selector(f"#revoke-progress .badge.ok:has-text('revoked') >> nth={MANY - 1}")
    await tab.look("order-done", whole=True)
    await page.click("text=Printable record")
    await page.wait_for_selector("text=settled: each ended")
    text = await page.locator("main").inner_text()
    assert [name for name in names if name not in text] == []
    await tab.look("record", whole=True)
    await page.emulate_media(media="print")
    assert not await page.locator("nav").is_visible()
    await tab.picture("record-printed", whole=True)
    await page.emulate_media(media="screen")
    await page.evaluate("window.print = () => { window.printed = true; }")
    await page.click("text=Print >> visible=true")
    assert await page.evaluate("window.printed")


async def proven(tab: Tab) -> None:
    """The order's own leaf, by the reader's browser; with one byte changed it is refused, and holds again when that is put back."""
    page = tab.page
    await page.locator("dt:has-text('In the log') + dd a").click()
    await page.wait_for_selector("text=An end was ordered")
    await page.click("#proof-verify")
    await page.wait_for_selector("#proof-verdict[data-verdict='proven']")
    await tab.look("proof")
    for where in ("leaf", "path", "root"):
        await page.select_option("#proof-where", where)
        await page.click("#proof-tamper")
        await page.wait_for_selector("#proof-verdict[data-verdict='refused']")
        assert "was changed" in await page.locator("#proof-steps").inner_text()
        await tab.look(f"proof-refused-{where}")
        await page.click("#proof-restore")
        await page.wait_for_selector("#proof-verdict[data-verdict='proven']")
