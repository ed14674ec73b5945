"""What time does: memory over many exchanges, and lent roles that are dead when their time is up, under that load."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import linear_regression

import asyncpg
import httpx

from counterfoil.client.client import Client
from services.dev import seed
from services.dev.bench import processes
from services.dev.bench.figures import Figure
from services.dev.bench.loading import load
from services.dev.bench.rates import spec, warm
from services.dev.bench.sizes import OUTSTANDING, Sizes
from services.dev.bench.stand import Stand
from services.dev.bench.tokens import fetched
from services.dev.town import MODULES
from services.dev.trouble import Say

SAMPLES = 10
MB = 1e6


async def memory(stand: Stand, sizes: Sizes, say: Say) -> list[Figure]:
    pids = {name: pid for name, pid in stand.pids.items() if name in MODULES or name == "kafka"}
    taken = [(0, processes.memory(pids))]
    async with load(lambda: stand.pids, "bus", kafka=stand.plan.kafka, **spec(stand, sizes)) as bus:
        await warm(bus, sizes)
        done, began = 0, time.monotonic()
        for sample in range(SAMPLES):
            done += (await bus.closed(OUTSTANDING, sizes.lasting // SAMPLES)).done
            taken.append((done, processes.memory(pids)))
            say(f"Memory, {done:,} of {sizes.lasting:,} exchanges, {done / (time.monotonic() - began):.0f}/s ({sample + 1} of {SAMPLES})")
    return grown(taken)


def grown(taken: Sequence[tuple[int, Mapping[str, int]]]) -> list[Figure]:
    """The slope is that of the second half: by then what is kept once is kept."""
    exchanges, half = taken[-1][0], taken[len(taken) // 2 :]
    found = {}
    for name in taken[-1][1]:
        slope = linear_regression([at for at, _ in half], [sizes[name] for _, sizes in half]).slope if half[-1][0] > half[0][0] else 0.0
        found[name] = {"before": taken[0][1][name] / MB, "after": taken[-1][1][name] / MB, "slope_per_100k": slope * 1e5 / MB}
    services = {name: of for name, of in found.items() if name != "kafka"}
    largest = max(services, key=lambda name: services[name]["after"])
    beside = f"{largest}; MB before > after (slope per 100,000): " + ", ".join(map(told, services, services.values()))
    return [
        Figure(f"resident memory of a service, after {exchanges:,} exchanges", services[largest]["after"], "MB", most=120, beside=beside,
               more={"memory": services}),
        Figure("  of the embedded Kafka", found["kafka"]["after"], "MB", most=350, beside=told("", found["kafka"]), more={"memory": found["kafka"]}),
    ]  # fmt: skip


def told(name: str, of: Mapping[str, float]) -> str:
    return f"{name} {of['before']:.0f} > {of['after']:.0f} ({of['slope_per_100k']:+.1f})".strip()


async def expiry(stand: Stand, sizes: Sizes) -> list[Figure]:
    """Sessions that stay open until they are cut."""
    async with httpx.AsyncClient(trust_env=False) as http:
        token = (await fetched(http, stand.plan.issuer, stand.plan.url, 1))[0]
    async with Client(stand.plan.url, token) as client:
        lags = sorted(await asyncio.gather(*(lag(client, sizes.lent_seconds) for _ in range(sizes.lent))))
    beside = f"{sizes.lent} open sessions, lent for {sizes.lent_seconds} s, under the load of the run below; median {lags[len(lags) // 2]:.2f} s"
    return [Figure("a lent role is dead after its expiry, the slowest", lags[-1], "s", most=5, runs=lags, beside=beside)]


async def lag(client: Client, seconds: int) -> float:
    """From the expiry to the cut session. Infinite where the role still lets someone in then."""
    lent = await client.exchange(seed.CONNECTOR, scopes=["read"], lifetime=seconds)
    cut, session = asyncio.Event(), await asyncpg.connect(lent.reveal())
    session.add_termination_listener(lambda _: cut.set())
    async with asyncio.timeout(seconds + 60):
        await cut.wait()
    late = (datetime.now(UTC) - lent.expires_at).total_seconds()
    try:
        await (await asyncpg.connect(lent.reveal())).close()
    except asyncpg.PostgresError:
        return late
    return float("inf")
