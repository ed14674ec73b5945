"""The stream of exchanges over a real socket: what a browser gets, what it missed while it was away, and how it ends."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from counterfoil_server.runtime.store.database import Pool
from services.console import assets
from services.console.gateway import Gateway
from services.console.live.exchanges import Wanted
from services.console.live.feed import CAUGHT_UP, Feed, last
from services.console.pages import live
from services.console.rendering import Renderer
from services.console.site import Site, application
from services.dev.issuer import LOOPBACK
from tests.console.conftest import NOW, URL, Keeper, operator
from tests.console.test_live import minted
from tests.console.test_revoke import LEND
from tests.console.test_tally import empty, put
from tests.support.issuer import serving

IDS = re.compile(r'<a href="/live/([0-9a-f-]{36})"')


@dataclass
class Console:
    """Served. `feed`: its reader of the log, a task that can be ended."""

    url: str
    keeper: Keeper
    feed: "asyncio.Task[None]" = field(repr=False)


@pytest.fixture
async def console(db: Pool, owner: asyncpg.Connection) -> AsyncIterator[Console]:
    await empty(owner)
    await owner.execute("TRUNCATE mint, revocation")
    found, keeper, feed = dict(assets.assets()), Keeper(operator()), Feed(db)
    listening = socket.create_server((LOOPBACK, 0))
    async with httpx.AsyncClient() as nobody:
        site = Site(db, Gateway(nobody), Renderer(found, development=False), lambda: NOW, URL, "https://exchange.test")
        app = application(site, keeper, [lambda site: live.pages(site, feed)], found)
        running = asyncio.create_task(feed.run())
        async with serving(app, listening):
            yield Console(f"http://{LOOPBACK}:{listening.getsockname()[1]}", keeper, running)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    await empty(owner)


@dataclass
class Browser:
    """What it was sent so far."""

    text: str = ""
    over: bool = False

    @property
    def ids(self) -> list[str]:
        return IDS.findall(self.text)

    @property
    def last(self) -> str:
        return str(re.findall(r"^id: (\d+)$", self.text, re.MULTILINE)[-1])

    async def sees(self, text: str) -> None:
        async with asyncio.timeout(15):
            while text not in self.text:  # noqa: ASYNC110 - a server sends it
                await asyncio.sleep(0.01)

    async def ends(self) -> None:
        async with asyncio.timeout(15):
            while not self.over:  # noqa: ASYNC110 - a server ends it
                await asyncio.sleep(0.01)


@asynccontextmanager
async def watching(console: Console, query: str = "", **headers: str) -> AsyncIterator[Browser]:
    browser = Browser()
    named = {name.replace("_", "-"): value for name, value in headers.items()} | {"HX-Request": "true"}

    async def read() -> None:
        async with httpx.AsyncClient(timeout=20) as http, http.stream("GET", f"{console.url}/live/stream?{query}", headers=named) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for piece in answer.aiter_text():
                browser.text += piece
        browser.over = True

    reading = asyncio.create_task(read())
    await browser.sees("retry")
    yield browser
    reading.cancel()
    with suppress(asyncio.CancelledError, httpx.HTTPError):
        await reading


async def test_two_browsers_are_sent_what_each_asked_for(console: Console, owner: asyncpg.Connection):
    async with watching(console, "after=-1") as all_of_it, watching(console, "connector=github/acme&after=-1") as some:
        postgres, github = uuid4(), uuid4()
        await put(owner, [minted(postgres), minted(github, "github/acme")])
        await all_of_it.sees(str(postgres))
        await some.sees(str(github))

    assert sorted(all_of_it.ids) == sorted([str(postgres), str(github)])
    assert some.ids == [str(github)]
    assert "operators-token" not in all_of_it.text


async def test_what_came_between_the_page_and_its_stream_is_shown_once(console: Console, owner: asyncpg.Connection):
    ids = [uuid4() for _ in range(4)]
    await put(owner, [minted(one) for one in ids[:3]])

    async with watching(console, "after=1") as browser:
        await browser.sees(str(ids[2]))
        await put(owner, [minted(ids[3])])
        await browser.sees(str(ids[3]))

    assert browser.ids == [str(ids[2]), str(ids[3])]


async def test_a_browser_that_comes_back_misses_nothing_and_sees_nothing_twice(console: Console, owner: asyncpg.Connection):
    first, second, third = uuid4(), uuid4(), uuid4()
    async with watching(console, "after=-1") as browser:
        await put(owner, [minted(first)])
        await browser.sees(str(first))
    await put(owner, [minted(second)])

    async with watching(console, "after=-1", last_event_id=browser.last) as again:
        await again.sees(str(second))
        await put(owner, [minted(third)])
        await again.sees(str(third))

    assert again.ids == [str(second), str(third)]


async def test_after_a_long_absence_it_is_told_how_much_is_left_out(console: Console, owner: asyncpg.Connection):
    await put(owner, [minted(uuid4()) for _ in range(300)])

    async with watching(console, last_event_id="9") as browser:
        await browser.sees("not shown here")

    assert len(browser.ids) == CAUGHT_UP
    assert f"{290 - CAUGHT_UP} more came" in browser.text


@pytest.mark.parametrize("seen", ["-5", "1e3", "9" * 40, "x"])
async def test_a_place_that_is_none_is_no_place(console: Console, owner: asyncpg.Connection, seen: str):
    before, then = uuid4(), uuid4()
    await put(owner, [minted(before)])

    async with watching(console, last_event_id=seen) as browser:
        await put(owner, [minted(then)])
        await browser.sees(str(then))

    assert str(before) not in browser.ids


async def test_it_ends_with_its_session_and_htmx_is_told_not_to_come_back(console: Console, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.console.live.streaming.ASKED_AGAIN", 0.0)
    monkeypatch.setattr("services.console.live.streaming.PATIENCE", 0.05)
    async with watching(console) as browser:
        await browser.sees(": quiet")
        console.keeper.who = None
        await browser.ends()

    assert "Your session is over" in browser.text
    assert browser.text.endswith("event: over\ndata: over\n\n")


async def test_it_ends_with_the_console(console: Console):
    async with watching(console) as browser, watching(console) as other:
        console.feed.cancel()
        await browser.ends()
        await other.ends()

    assert "event: over" not in browser.text + other.text, "a browser may come back: only its session's end is the end"


class Counting:
    """A database that counts what it is asked."""

    def __init__(self, db: Pool) -> None:
        self._db, self.asked = db, 0

    def __getattr__(self, name: str) -> Any:
        self.asked += 1
        return getattr(self._db, name)


async def test_nobody_reads_the_log_while_nobody_watches(db: Pool):
    counting = Counting(db)
    feed = Feed(counting)
    running = asyncio.create_task(feed.run())
    with feed.watching(Wanted()):
        await feed.reading()
        await asyncio.sleep(0.6)
    assert counting.asked > 2
    await asyncio.sleep(0.6)  # the last look may be under way
    before = counting.asked
    await asyncio.sleep(0.8)
    running.cancel()

    assert counting.asked == before


class Long(Counting):
    """A log that is all news."""

    async def fetchval(self, *_: Any) -> int:
        return 0


async def test_who_is_behind_does_not_rest(db: Pool, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch):
    """What comes faster than it is read would come ever later to a screen."""
    monkeypatch.setattr("services.console.live.feed.AT_ONCE", 2)
    monkeypatch.setattr("services.console.live.feed.PAUSE", 3600)
    await empty(owner)
    await put(owner, [minted(uuid4()) for _ in range(5)])
    feed = Feed(Long(db))
    running = asyncio.create_task(feed.run())

    with feed.watching(Wanted()) as watcher:
        async with asyncio.timeout(20):
            while watcher.seen < 5:  # noqa: ASYNC110 - each part sets it
                await asyncio.sleep(0.01)
        running.cancel()
    await empty(owner)

    assert watcher.seen == 5


def revoked(credential: UUID, kind: str = "credential.revoked") -> bytes:
    return json.dumps({"fact": {"kind": kind, "credential_id": str(credential)}, "time": "2026-11-28T12:00:09.000000Z"}).encode()


async def test_a_revocation_is_an_end_of_the_exchange_that_lent(console: Console, db: Pool, owner: asyncpg.Connection):
    request_id, credential = uuid4(), uuid4()
    values = ("a" * 64, request_id, credential, "f" * 64, "revoked", "by_name", "postgres/demo", "web", NOW, False, NOW)
    await owner.execute(LEND, *values)
    await owner.execute("INSERT INTO revocation (id, credential_id, cause) VALUES ($1, $2, 'requested')", uuid4(), credential)
    async with watching(console, "outcome=revoked&after=-1") as browser:
        await put(owner, [minted(request_id), revoked(credential), revoked(uuid4())])
        await browser.sees(str(request_id))

    assert browser.ids == [str(request_id)]
    (one,) = await last(db, Wanted(outcome="revoked"))
    assert (one.connector, one.project, one.code, one.requester) == ("postgres/demo", "web / production", "requested", "a" * 64)
