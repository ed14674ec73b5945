"""A real Chromium, and pages of it that fail a test for any error on them, any request to another host and any barrier that axe-core finds."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from services.dev import first
from services.dev.postgres import Postgres
from tests.browser.chromium import MISSING, found
from tests.browser.tab import Tab
from tests.support.town import Town, founded

if TYPE_CHECKING:
    from playwright.async_api import Browser

ALONE = ("--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
PATIENCE_MS = 30_000
"""Of a page that does not come: a test that finds what it waits for does not take longer by it."""


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator["Browser"]:
    api = pytest.importorskip("playwright.async_api", reason="its driver is not here: run make test-browser")
    if (path := found()) is None:
        pytest.skip(MISSING)
    async with api.async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=path, args=list(ALONE))
        yield started
        await started.close()


@pytest.fixture(scope="session")
async def town(kafka: str, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """As `make up` leaves it: the console gets the spans of all, and three exchanges have been made."""
    async with founded(tmp_path_factory.mktemp("browser"), kafka, postgres_server, console=True) as made:
        await first.exchanges(made.plan)
        yield made


Opened = Callable[..., Any]


@pytest.fixture
async def opened(browser: "Browser") -> Opened:
    """`async with opened(hosts) as tab`: a browser of its own, and nothing wrong with what it saw."""

    @asynccontextmanager
    async def tab(*hosts: str, **options: Any) -> AsyncIterator[Tab]:
        context = await browser.new_context(viewport={"width": 1360, "height": 860}, reduced_motion="reduce", color_scheme="light", **options)
        context.set_default_timeout(PATIENCE_MS)
        made = Tab(await context.new_page(), set(hosts))
        made.watch()
        try:
            yield made
            made.nothing_wrong()
        finally:
            await context.close()

    return tab
