"""The live page: from an exchange being on record until its row is at a browser that watches, and what that is told was left out."""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import httpx

from services.dev.bench.console_filling import Filling
from services.dev.bench.figures import Figure
from services.dev.bench.spread import percentile
from services.dev.trouble import Say

SCREENS, RATE, QUIET = 20, 1000, 5
"""Open pages; exchanges a second under load, and without."""
TURN, LAST = 0.05, 2.0
TARGET = 1000
ROW = re.compile(r'href="/live/([0-9a-f-]{36})"')
LEFT = re.compile(r"([0-9,]+) more came than can be read")


@dataclass
class Screen:
    """A browser's stream. `rows`: when each came first, by the request_id."""

    rows: dict[str, float] = field(default_factory=dict)
    left_out: int = 0
    lines: int = 0

    async def watch(self, http: httpx.AsyncClient, after: int) -> None:
        async with http.stream("GET", "/live/stream", params={"after": after}, timeout=None) as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                now = time.perf_counter()
                for name in ROW.findall(line):
                    self.lines += 1
                    self.rows.setdefault(name, now)
                for number in LEFT.findall(line):
                    self.left_out = int(number.replace(",", ""))


@dataclass
class Written:
    """`at`: when each exchange was committed, by its request_id. `rows`: of exchanges and of ends, as the page counts them."""

    at: dict[str, float] = field(default_factory=dict)
    rows: int = 0
    seconds: float = 0.0

    async def write(self, filling: Filling, rate: int, seconds: float) -> None:
        began, turn = time.perf_counter(), max(TURN, 1 / rate)
        while (since := time.perf_counter() - began) < seconds:
            requests = [filling.book.exchange(datetime.now(UTC)) for _ in range(round((since + turn) * rate) - len(self.at))]
            self.rows += await committed(filling, requests, self.at)
            await asyncio.sleep(max(0.0, began + since + turn - time.perf_counter()))
        self.seconds = time.perf_counter() - began


async def committed(filling: Filling, requests: list[UUID], at: dict[str, float]) -> int:
    grown = filling.book.taken()
    await filling.put(grown)
    at |= dict.fromkeys(map(str, requests), time.perf_counter())
    return len(requests) + len(grown.ended)


async def watched(http: httpx.AsyncClient, filling: Filling, screens: int, rate: int, seconds: float) -> tuple[list[Screen], Written]:
    found, written = [Screen() for _ in range(screens)], Written()
    tasks = [asyncio.create_task(one.watch(http, filling.book.edge.size - 1)) for one in found]
    await asyncio.sleep(1)
    await written.write(filling, rate, seconds)
    await asyncio.sleep(LAST)
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return found, written


def figure(name: str, screens: list[Screen], written: Written) -> Figure:
    took = sorted((at - written.at[request]) * 1000 for one in screens for request, at in one.rows.items() if request in written.at)
    first = screens[0]
    beside = (
        f"p50 {percentile(took, 0.5):.0f}, most {took[-1]:.0f}; {len(written.at) / written.seconds:.0f} exchanges/s inserted; of {written.rows:,} "
        f"ends one page shows {first.lines:,} and says that {first.left_out:,} are left out"
    )
    return Figure(name, percentile(took, 0.95), "ms", most=TARGET, beside=beside)


async def measured(http: httpx.AsyncClient, filling: Filling, seconds: float, resident: Callable[[], Figure], say: Say) -> list[Figure]:
    found = []
    for name, screens, rate in (("quiet", 1, QUIET), (f"{RATE:,}/s", 1, RATE), (f"{RATE:,}/s, {SCREENS} pages open", SCREENS, RATE)):
        say(f"The live page, {name}")
        found.append(figure(f"on record to its row at a browser, {name}, p95", *await watched(http, filling, screens, rate, seconds)))
    return [*found, resident()]
