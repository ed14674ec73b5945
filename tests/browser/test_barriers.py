"""What axe-core has against each page and each state of it, dark and light, with a picture of each; and that whatever is wrong is found."""

from uuid import uuid4

import pytest

from tests.browser.conftest import Opened
from tests.browser.tab import Tab
from tests.browser.walking import PAGES, hosts, lent, linked, sign_in
from tests.support.town import Town

WRONG = "forbid (principal, action, resource) when { context.nothing };"
RIGHT = 'forbid (principal, action == Action::"mint", resource) when { context.lifetime == 77 };'
DEMO = "web/production->postgres/demo"


async def test_pages(opened: Opened, town: Town):
    async with opened(*hosts(town)) as tab:
        await sign_in(tab, town)
        for path in PAGES:
            await tab.page.goto(f"{town.plan.console}{path}")
            if path == "/system":
                await tab.page.wait_for_selector("#letters:not(:has-text('Reading'))")
            await tab.look(path.strip("/") or "overview", whole=path != "/live")


async def test_connectors(opened: Opened, town: Town):
    async with opened(*hosts(town)) as tab:
        page = tab.page
        await sign_in(tab, town)
        await page.goto(f"{town.plan.console}/connectors/postgres/demo")
        await page.fill("#try-whose", "web/production")
        for scopes, said, name in (("read", "would get it", "granted"), ("drop", "would not get it", "denied")):
            await page.fill("#try-scopes", scopes)
            await page.click("text=Try it")
            await page.wait_for_selector(f"#tried:has-text('{said}')")
            await tab.look(f"connector-tried-{name}", whole=True)
        await page.click("text=Change it, or give it")
        await page.wait_for_selector("h1:has-text('Change postgres/demo')")
        await page.fill("#scopes", "read")
        await page.click("text=See what would change")
        await page.wait_for_selector("#look-title")
        await tab.look("connector-change", whole=True)


async def test_links(opened: Opened, town: Town):
    async with opened(*hosts(town)) as tab:
        page = tab.page
        await sign_in(tab, town)
        await page.goto(f"{town.plan.console}/links")
        await page.click(f"[aria-label='Edit {DEMO}']")
        await page.fill("#longest", "7m")
        await page.click("text=See the difference")
        await page.wait_for_selector("#look tr:has-text('changed')")
        await tab.look("link-change", whole=True)
        await page.goto(f"{town.plan.console}/links")
        await page.click(f"[aria-label='Remove {DEMO}']")
        await page.wait_for_selector("h1:has-text('Remove')")
        await tab.look("link-remove")


async def test_policies(opened: Opened, town: Town):
    async with opened(*hosts(town)) as tab:
        page = tab.page
        await sign_in(tab, town)
        await page.goto(f"{town.plan.console}/policies/edit")
        await page.fill("#called", "no-77")
        for text, pressed, said, name in (
            (WRONG, "Look it over", "It would be refused", "refused"),
            (RIGHT, "Look it over", "It would be taken", "taken"),
            (RIGHT, "Try it on recorded traffic", "This policy would newly deny", "tried"),
        ):
            await page.fill("#cedar", text)
            await page.click(f"text={pressed}")
            await page.wait_for_selector(f"#result:has-text('{said}')")
            await tab.look(f"policy-{name}", whole=True)
        await page.click("text=What a policy may speak of")
        await tab.look("policy-schema", whole=True)


async def test_what_was_ended_and_what_the_log_has_of_it(opened: Opened, town: Town):
    await linked(town, "barriers")
    credential = (await lent(town, "postgres/demo", "barriers"))["credential_id"]
    async with opened(*hosts(town)) as tab:
        page, console = tab.page, town.plan.console
        await sign_in(tab, town)
        await page.goto(f"{console}/audit?about={credential}")
        await page.wait_for_selector(".log >> text=A credential was minted")
        await tab.look("timeline", whole=True)
        await page.goto(f"{console}/revoke?project=barriers")
        await page.fill("#revoke-confirm", "barriers")
        await page.click("#revoke-order")
        await page.wait_for_selector("#revoke-progress[data-state='revoked']")
        await page.goto(f"{console}/revoke")
        await page.locator("summary", has_text="Lift").first.click()
        await tab.look("revoke-stops", whole=True)
        await page.click("text=all of them")
        await page.wait_for_selector("h1:has-text('Orders to revoke')")
        await tab.look("orders", whole=True)


async def test_an_exchange_on_a_page_of_its_own(opened: Opened, town: Town):
    async with opened(*hosts(town)) as tab:
        await sign_in(tab, town)
        await tab.page.goto(f"{town.plan.console}/live?paused=1")
        await tab.look("live-paused")
        href = await tab.page.locator("#rows a").first.get_attribute("href")
        await tab.page.goto(f"{town.plan.console}{href}")
        await tab.page.wait_for_selector("#waterfall")
        await tab.look("exchange-page", whole=True)


@pytest.mark.parametrize(
    ("path", "status", "name"),
    [("/audit/999999999", 404, "no-leaf"), ("/audit?about=x", 422, "no-question"), ("/connectors/no/one", 404, "no-connector")],
)
async def test_a_no(opened: Opened, town: Town, path: str, status: int, name: str):
    async with opened(*hosts(town)) as tab:
        await sign_in(tab, town)
        await tab.refused(f"{town.plan.console}{path}", status)
        await tab.look(name)


async def test_the_end_of_a_session_and_a_link_that_is_not_good(opened: Opened, town: Town):
    async with opened(*hosts(town)) as tab:
        await sign_in(tab, town)
        await tab.page.click("text=Sign out")
        await tab.page.wait_for_selector("h1:has-text('You are signed out')")
        await tab.look("signed-out")
        await tab.refused(f"{town.plan.console}/login/callback?state={uuid4()}&code=x", 400)
        await tab.page.wait_for_selector("h1:has-text('You are not signed in')")
        await tab.look("not-signed-in")


async def wrong(tab: Tab, town: Town, act: str) -> None:
    await sign_in(tab, town)
    await tab.page.evaluate(act)
    await tab.look("found-wrong")


@pytest.mark.parametrize(
    ("act", "found"),
    [
        ("document.querySelector('nav').innerHTML += '<input>'", "label: "),
        ("document.querySelector('h1').setAttribute('style', 'left: 5%')", "Content Security Policy"),
        ("setTimeout(() => { throw new Error('of this page'); })", "of this page"),
        ("document.body.append(Object.assign(new Image(), {src: 'https://elsewhere.test/x.png'}))", "Content Security Policy"),
    ],
    ids=["barrier", "style", "error", "image"],
)
async def test_whatever_is_wrong_with_a_page_is_found(opened: Opened, town: Town, act: str, found: str):
    with pytest.raises(AssertionError, match=found):
        async with opened(*hosts(town)) as tab:
            await wrong(tab, town, act)


async def test_another_host_is_found(opened: Opened, town: Town):
    elsewhere = town.plan.console.replace("127.0.0.1", "localhost")
    with pytest.raises(AssertionError, match="localhost"):
        async with opened(*hosts(town)) as tab:
            await tab.page.goto(f"{elsewhere}/robots.txt")
