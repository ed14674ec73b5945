"""What walks through the console have in common."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.dev.login_link import link
from tests.browser.tab import Tab
from tests.cli.shell import Said, Shell
from tests.cli.stand_in import StandIn
from tests.support.town import Town

PAGES = ("/", "/live", "/connectors", "/links", "/policies", "/revoke", "/audit", "/system")
FOCUSED = "document.activeElement.matches({})"
SEEN = "document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== 'none'"
STOPS = 80


def hosts(town: Town) -> tuple[str, str]:
    """The console's, and while one signs in the issuer's."""
    return urlsplit(town.plan.console).netloc, urlsplit(town.plan.issuer).netloc


async def sign_in(tab: Tab, town: Town) -> None:
    """By the link that `make up` prints, which is good once."""
    await tab.page.goto(link(Path(town.plan.folder), town.plan.ports["console-http"]))
    await tab.page.wait_for_selector("h1:has-text('Overview')")


async def get(town: Town, connector: str, project: str) -> Said:
    """`counterfoil get`, a process, as somebody of that project."""
    asked = ("get", connector, "--project", project, "--environment", "production", "--scope", "read", "--lifetime", "5m", "-o", "json")
    return await Shell(StandIn(), town.plan.url, {}).process(*asked)


async def lent(town: Town, connector: str, project: str) -> dict[str, Any]:
    said = await get(town, connector, project)
    assert said.code == 0, said.err
    return dict(json.loads(said.out))


async def linked(town: Town, project: str) -> None:
    ceiling = {"scopes": ["read"], "longest": 900}
    await town.apply({"kind": "link", "connector": "postgres/demo", "project": project, "environments": ["production"], "ceiling": ceiling})


async def reach(tab: Tab, selector: str) -> None:
    """By Tab alone, and at each stop one sees where one is."""
    for _ in range(STOPS):
        await tab.page.keyboard.press("Tab")
        assert await tab.page.evaluate(SEEN), "the focus is not to be seen"
        if await tab.page.evaluate(FOCUSED.format(json.dumps(selector))):
            return
    raise AssertionError(f"{selector} is on no way of Tab")


async def confirmed(tab: Tab) -> str:
    """The word that has to be typed, as it stands there."""
    await tab.page.wait_for_selector("#revoke-confirm")
    return re.sub(r"\s", "", await tab.page.locator("label[for='revoke-confirm'] code").first.inner_text())
