"""Exchanges as they happen: one reader for all browsers, what is left out is said, and one exchange in full."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from counterfoil_server.runtime.store.database import Pool
from services.console.audit.leaves import Leaf, leaf
from services.console.live.exchanges import Wanted, exchanges
from services.console.live.feed import MOST, Feed
from services.console.live.streaming import events
from services.console.live.waterfall import of_facts, of_spans
from services.console.pages import live
from services.console.site import Page
from tests.console.conftest import Visit, nothing, visiting
from tests.console.otlp import rows, spans
from tests.console.test_tally import empty, put
from tests.support.made_log import MadeLog, facts

START = datetime(2026, 11, 28, 12, tzinfo=UTC)


def leaves(log: MadeLog) -> Sequence[Leaf]:
    return [leaf({"idx": at, "bytes": one}) for at, one in enumerate(log.leaves)]


def made() -> MadeLog:
    """One of every kind of fact, twice."""
    log = MadeLog()
    for one in [*facts(0), *facts(1)]:
        log.append(one)
    return log


def test_the_fact_that_ended_an_exchange_says_how():
    found = exchanges(leaves(made()))

    assert sorted(one.outcome for one in found) == ["denied", "denied", "granted", "granted", "refused", "refused", "rejected", "rejected"]
    granted = next(one for one in found if one.outcome == "granted")
    assert (granted.connector, granted.project, granted.code) == ("postgres/demo", "web / production", "")


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Wanted(), 8),
        (Wanted(outcome="denied"), 2),
        (Wanted(connector="no/one"), 0),
        (Wanted(project="we", outcome="granted"), 2),
        (Wanted(project="x"), 0),
    ],
)
def test_what_one_asks_for_is_what_one_sees(wanted: Wanted, count: int):
    assert len([one for one in exchanges(leaves(made())) if wanted.wants(one)]) == count


def test_spans_are_drawn_below_their_parents_with_waiting_and_work():
    found = of_spans(rows(spans(START, "exchange a", "send exchange.requested", "process exchange.requested")))

    assert [(bar.name, bar.depth) for bar in found.bars] == [("exchange a", 0), ("process exchange.requested", 1)]
    assert found.seconds == pytest.approx(0.029, abs=0.001)
    first, second = found.bars
    assert first.queued_at == 0.0
    assert second.worked_at == pytest.approx(100 * 24 / 29, abs=0.5)
    assert second.queued == pytest.approx(100 * 4 / 29, abs=0.5)


def test_a_circle_of_parents_is_drawn_once():
    found = of_spans([row._replace(parent_id=row.span_id) for row in rows(spans(START, "a", "b"))])

    assert len(found.bars) <= 2


def test_an_exchange_without_spans_is_drawn_from_its_facts():
    found = of_facts([one for one in leaves(made()) if one.request_id])

    assert not found.sampled
    assert found.bars
    assert all(0 <= bar.worked_at <= 100 for bar in found.bars)


@pytest.fixture
async def log(owner: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    await empty(owner)
    yield owner
    await empty(owner)


@pytest.fixture
async def feed(db: Pool) -> AsyncIterator[Feed]:
    found = Feed(db)
    running = asyncio.create_task(found.run())
    yield found
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def minted(request_id: UUID, connector: str = "postgres/demo") -> bytes:
    asked = {"request_id": str(request_id), "connector": connector}
    fact = {"kind": "credential.minted", "asked": asked, "connector": connector, "project": "web", "environment": "production", "sub_hash": "ab" * 32}
    return json.dumps({"fact": fact, "time": "2026-11-28T12:00:00.000000Z"}).encode()


async def begun(feed: Feed, owner: asyncpg.Connection) -> None:
    """The feed reads from the end that it finds: what comes before it has looked is not its news."""
    with feed.watching(Wanted()) as probe:
        while not probe.seen:
            await put(owner, [minted(uuid4())])
            await asyncio.sleep(0.05)


async def test_two_browsers_see_what_comes_each_by_its_own_filter(feed: Feed, log: asyncpg.Connection):
    with feed.watching(Wanted()) as one, feed.watching(Wanted(connector="github/acme")) as other:
        await begun(feed, log)
        await one.next(5)
        await put(log, [minted(uuid4(), "github/acme")])

        assert [row.connector for row in await other.next(5)] == ["github/acme"]
        assert "github/acme" in {row.connector for row in await one.next(5)}


async def test_a_browser_that_cannot_follow_is_told_how_much_it_missed(feed: Feed, log: asyncpg.Connection):
    await begun(feed, log)
    with feed.watching(Wanted()) as watcher:
        await begun(feed, log)
        await watcher.next(5)
        seen = watcher.seen
        await put(log, [minted(uuid4()) for _ in range(1000)])
        while watcher.seen < seen + 1000:  # noqa: ASYNC110 - the feed's own task looks
            await asyncio.sleep(0.02)

        assert len(await watcher.next(5)) == MOST
        assert watcher.left_out >= 1000 - MOST


async def test_how_long_it_took_is_known_of_an_exchange_that_lies_across_two_readings(feed: Feed, log: asyncpg.Connection):
    request_id = uuid4()
    asked = {"request_id": str(request_id), "connector": "postgres/demo", "request_hash": "c" * 64}
    known = {"kind": "identity.verified", "asked": asked, "at": "2026-11-28T12:00:00.000000Z"}
    ended = {"kind": "grant.denied", "asked": asked, "project": "web", "environment": "production", "code": "beyond_ceiling"}
    with feed.watching(Wanted()) as watcher:
        await begun(feed, log)
        await put(log, [json.dumps({"fact": known, "time": "2026-11-28T12:00:00.010000Z"}).encode()])
        await begun(feed, log)
        await watcher.next(5)
        await put(log, [json.dumps({"fact": ended, "time": "2026-11-28T12:00:00.250000Z"}).encode()])

        # What told that the feed had begun may still be on its way.
        rows = [row for _ in range(3) for row in await watcher.next(2) if row.request_id == str(request_id)]
    assert [row.took for row in rows] == [0.25]


async def test_a_stream_ends_with_its_session(feed: Feed, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.console.live.streaming.ASKED_AGAIN", 0.0)
    monkeypatch.setattr("services.console.live.streaming.PATIENCE", 0.01)

    async def over() -> None:
        return None

    with feed.watching(Wanted()) as watcher:
        said = [one async for one in events(watcher, lambda template, **_: f"<{template}>", over)]

    assert said == ["retry: 2000\n\n", "data: <live/over.html>\n\n", "event: over\ndata: over\n\n"]


def pages(feed: Feed) -> Page:
    return lambda site: live.pages(site, feed)


@pytest.fixture
async def visit(db: Pool, feed: Feed, log: asyncpg.Connection) -> AsyncIterator[Visit]:  # noqa: ARG001 - it empties the log
    async with visiting([pages(feed)], db, nothing) as found:
        yield found


async def test_the_page_has_the_last_ones_and_stands_still_when_it_is_told_to(visit: Visit, log: asyncpg.Connection):
    assert "Nothing yet" in await visit.page("/live")
    await put(log, made().leaves)

    page = await visit.page("/live", outcome="denied")

    assert page.count('<span class="badge warn">denied</span>') == 2
    assert 'hx-sse:connect="/live/stream?outcome=denied&amp;after=' in page
    assert "hx-sse" not in await visit.page("/live", paused="1")
    assert "None of the last 1,000 leaves" in await visit.page("/live", connector="no/one")


async def test_one_exchange_is_shown_in_full(visit: Visit, log: asyncpg.Connection):
    everything = made()
    await put(log, everything.leaves)
    request_id = str(everything.fact(everything.find("grant.denied"))["asked"]["request_id"])
    about = [(UUID(one.request_id), one.index) for one in leaves(everything) if one.request_id]
    await log.execute("SET session_replication_role = replica; DELETE FROM audit_about; SET session_replication_role = DEFAULT")
    await log.copy_records_to_table("audit_about", records=about, columns=["id", "idx"])

    whole, sheet = await visit.page(f"/live/{request_id}"), (await visit.http.get(f"/live/{request_id}", headers={"HX-Request": "true"})).text

    for words in ("was not sampled", "Where the time went", "Claims that were used"):
        assert words in whole
    assert "counterfoil get postgres/demo --scope read" in whole
    assert sheet.lstrip().startswith("<dialog")
    assert (await visit.http.get(f"/live/{uuid4()}")).status_code == 404


def test_time_is_drawn_in_proportion():
    late = rows(spans(START + timedelta(seconds=1), "b", trace=b"v" * 16))
    found = of_spans([*rows(spans(START, "a")), *late])

    assert [round(bar.worked_at) for bar in found.bars] == [0, 100]
