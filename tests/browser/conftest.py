"""A real Chromium, and pages of it that fail a test for any error on them and any request to another host."""

import importlib.resources
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.browser.chromium import MISSING, found

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

ALONE = ("--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
PICTURES = Path(__file__).parents[2] / ".counterfoil" / "pictures"
PATIENCE_MS = 5_000


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator["Browser"]:
    api = pytest.importorskip("playwright.async_api", reason="its driver is not here: run make test-browser")
    if (path := found()) is None:
        pytest.skip(MISSING)
    async with api.async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=path, args=list(ALONE))
        yield started
        await started.close()


@dataclass
class Tab:
    """`hosts`: where its requests may go."""

    page: "Page"
    hosts: set[str]
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._seen)

    def _seen(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc not in self.hosts:
            self.strangers.append(request.url)

    async def barriers(self) -> Sequence[str]:
        """What axe-core finds. Evaluated, not added as a script: the page's own policy would refuse that."""
        await self.page.evaluate(importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text())
        asked = f"axe.run({{runOnly: {list(RULES)}, resultTypes: ['violations']}})"
        answer = await self.page.evaluate(asked)
        return [f"{one['id']}: {[node['target'] for node in one['nodes']][:4]} {one['help']}" for one in answer["violations"]]

    async def picture(self, name: str) -> None:
        """The caret stays: to hide it the driver writes a style attribute, htmx copies it, and the page's own policy says no."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=PICTURES / f"{name}.png", caret="initial")


Opened = Callable[..., Any]


@pytest.fixture
async def opened(browser: "Browser") -> Opened:
    """`async with opened(hosts, dark=True) as tab`: a browser of its own, and nothing wrong with what it saw."""

    @asynccontextmanager
    async def tab(*hosts: str, dark: bool = False, **options: Any) -> AsyncIterator[Tab]:
        context = await browser.new_context(
            color_scheme="dark" if dark else "light", viewport={"width": 1360, "height": 860}, reduced_motion="reduce", **options
        )
        context.set_default_timeout(PATIENCE_MS)
        made = Tab(await context.new_page(), set(hosts))
        made.watch()
        try:
            yield made
            assert made.errors == []
            assert made.strangers == []
        finally:
            await context.close()

    return tab
