"""Audited exchanges a second with the instant provider: over the bus and over HTTP, closed loop and open, each beside the relay's."""

import asyncio
import time
from typing import Any

from services.dev.bench import batches, relays, runs
from services.dev.bench.figures import Figure
from services.dev.bench.loading import Load, Measured, load
from services.dev.bench.sizes import CONNECTIONS, LIFETIME, OUTSTANDING, Sizes
from services.dev.bench.stand import INSTANT, Stand
from services.dev.town import PARTITIONS
from services.dev.trouble import Say

CAUGHT_UP = "SELECT caught_up_to > clock_timestamp() - interval '2 s' FROM heartbeat WHERE role = 'audit'"
RECOVERY = 120


def spec(stand: Stand, sizes: Sizes, connector: str = INSTANT) -> dict[str, Any]:
    plan = stand.plan
    return {"url": plan.url, "issuer": plan.issuer, "connector": connector, "tokens": sizes.tokens, "lifetime": LIFETIME}


async def over_the_bus(stand: Stand, sizes: Sizes, dsn: str, say: Say) -> list[Figure]:
    """Ours and the relay in turn, so that both meet the same hour."""
    ours, floor, before = list[Measured](), list[Measured](), await batches.marks(stand.plan.connection, PARTITIONS)
    async with (
        load(lambda: stand.pids, "bus", kafka=stand.plan.kafka, **spec(stand, sizes)) as bus,
        relays.relaying(stand, "relay", relays.FIVE_TOPICS, dsn) as pids,
        load(lambda: pids, "relay", kafka=stand.plan.kafka, prefix="relay", partitions=PARTITIONS) as relay,
    ):
        await warm(bus, sizes)
        await warm(relay, sizes)
        for turn in range(sizes.repeats):
            say(f"Bus, closed loop, {turn + 1} of {sizes.repeats}")
            ours.append(await bus.closed(OUTSTANDING, sizes.closed))
            floor.append(await relay.closed(OUTSTANDING, sizes.closed))
    after = await batches.marks(stand.plan.connection, PARTITIONS)
    sizes_found = await batches.means(stand.plan.connection, before, after)
    return [
        runs.rate("floor: relay, five topics, fsyncs made, closed loop", floor),
        runs.rate("exchanges over the bus, closed loop", ours, 1500, sizes_found),
        runs.cpu("CPU of our processes per exchange, flat out", ours, 0.9),
    ]


async def open_loop(stand: Stand, sizes: Sizes, say: Say) -> list[Figure]:
    found: list[Figure] = []
    async with load(lambda: stand.pids, "bus", kafka=stand.plan.kafka, **spec(stand, sizes)) as bus:
        await warm(bus, sizes)
        for rate in sizes.rates:
            say(f"Bus, open loop, {rate}/s")
            before = await batches.marks(stand.plan.connection, PARTITIONS)
            run = await bus.open(rate, rate * sizes.seconds)
            after = await batches.marks(stand.plan.connection, PARTITIONS)
            found += opened(rate, run, await batches.means(stand.plan.connection, before, after))
            found.append(Figure("  audit has caught up after", await caught_up(stand), "s"))
    return found


async def caught_up(stand: Stand) -> float:
    """Seconds until the log has everything again: what is measured next shall not pay for what was too much before."""
    began = time.monotonic()
    async with stand.sql() as db, asyncio.timeout(RECOVERY):
        while not await db.fetchval(CAUGHT_UP):  # noqa: ASYNC110 - it is not this loop that makes it so
            await asyncio.sleep(0.1)
    return time.monotonic() - began


def opened(rate: int, run: Measured, sizes_found: dict[str, float]) -> list[Figure]:
    held = runs.rate(f"exchanges over the bus, Poisson at {rate}/s", [run], batches=sizes_found)
    if rate != 1000:
        return [held]
    late = Figure("  its p99", run.p99, "ms", most=250)
    return [held, late, runs.cpu("  CPU of our processes per exchange", [run], 1.3)]


async def over_http(stand: Stand, sizes: Sizes, say: Say) -> list[Figure]:
    async with load(lambda: stand.pids, "http", connections=CONNECTIONS, **spec(stand, sizes)) as http:
        await http.closed(CONNECTIONS, sizes.http // 10)
        ours = []
        for turn in range(sizes.repeats):
            say(f"HTTP, closed loop, {turn + 1} of {sizes.repeats}")
            ours.append(await http.closed(CONNECTIONS, sizes.http))
    return [
        runs.rate(f"exchanges over HTTP, {CONNECTIONS} connections", ours, 1200),
        runs.cpu("  CPU of our processes per exchange, the gateway's with it", ours, None),
    ]


async def by_the_sdk(stand: Stand, sizes: Sizes, say: Say) -> list[Figure]:
    say("Bus, closed loop, counterfoil.Client")
    async with load(lambda: stand.pids, "sdk", kafka=stand.plan.kafka, **spec(stand, sizes)) as client:
        await warm(client, sizes)
        return [runs.rate("  the same by counterfoil.Client, all conveniences with it", [await client.closed(OUTSTANDING, sizes.closed // 2)])]


async def warm(client: Load, sizes: Sizes) -> None:
    await client.closed(50, sizes.closed // 10)
