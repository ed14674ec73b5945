"""`python -m services.dev.bench.telemetry`: what traces and metrics cost each exchange: off, to a dead address, sampled at 10 % and at 100 %.

The services start anew for each run with their way of telling, and the ways take turns: a machine that is slower later is so for all of them.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx

from services.dev import town
from services.dev.bench.conditions import conditions
from services.dev.bench.figures import Figure, table
from services.dev.bench.loading import Measured, load
from services.dev.bench.stand import INSTANT, Stand, standing
from services.dev.children import together
from services.dev.jars import ROOT
from services.dev.ports import free_port
from services.dev.running import run
from services.dev.town import Plan

LIFETIME, CONNECTIONS, TOKENS = 1800, 64, 50
DEAD = "to a dead address"
WARM = 12.0
"""Seconds. Spans are sent every five, and a lot is tried for three."""
MOST = 5.0
"""Per cent of throughput that a collector which is away may cost."""


@dataclass(frozen=True)
class Way:
    name: str
    environment: Mapping[str, str]


def ways(sink: str) -> list[Way]:
    return [
        Way("off", {}),
        Way(DEAD, {"COUNTERFOIL_OTLP": f"http://127.0.0.1:{free_port()}", "COUNTERFOIL_SAMPLED": "0.1"}),
        Way("sampled 10 %", {"COUNTERFOIL_OTLP": sink, "COUNTERFOIL_SAMPLED": "0.1"}),
        Way("sampled 100 %", {"COUNTERFOIL_OTLP": sink, "COUNTERFOIL_SAMPLED": "1"}),
    ]


@asynccontextmanager
async def sinking() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.dev.bench.sink", stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    try:
        assert process.stdout is not None  # noqa: S101 - it was started with one
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.terminate()
        await process.wait()


async def restarted(stand: Stand, way: Way) -> None:
    """Every service, telling in this way."""
    plan = replace(stand.plan, extra={**stand.plan.extra, **way.environment})
    old = [child for child in stand.children._started if child.command.name in plan.modules]  # noqa: SLF001 - no one else starts any again
    await together(*(stand.children.forget(child) for child in old))
    async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
        await together(*(up(stand, plan, role, http) for role in plan.modules))


async def up(stand: Stand, plan: Plan, role: str, http: httpx.AsyncClient) -> None:
    async def ready() -> bool:
        try:
            return (await http.get(f"http://127.0.0.1:{plan.ports[role]}/readyz")).is_success
        except httpx.HTTPError:
            return False

    await stand.children.start(town.service(plan, role), ready)


async def once(stand: Stand, count: int) -> Measured:
    """Under load for a while first: connections, keys and key sets; and who speaks to a dead address has noticed by then."""
    door = {"url": stand.plan.url, "issuer": stand.plan.issuer, "connector": INSTANT, "tokens": TOKENS, "lifetime": LIFETIME}
    async with load(lambda: stand.pids, "http", connections=CONNECTIONS, **door) as client:
        until = time.monotonic() + WARM
        while time.monotonic() < until:
            await client.closed(CONNECTIONS, 4 * CONNECTIONS)
        return await client.closed(CONNECTIONS, count)


def figures(found: Mapping[str, list[Measured]]) -> list[Figure]:
    """Medians, each run beside the one without telemetry of the same round."""
    rows = []
    for name, runs in found.items():
        pairs = list(zip(runs, found["off"], strict=True))
        rates, ours = [one.rate for one in runs], [one.ours for one in runs]
        more, failed = statistics.median(one.ours - off.ours for one, off in pairs), sum(sum(one.failed.values()) for one in runs)
        rows.append(Figure(f"exchanges, telemetry {name}", statistics.median(rates), "/s", runs=rates, beside=f"{failed} not answered"))
        rows.append(Figure(f"CPU of ours for each, telemetry {name}", statistics.median(ours), "us", runs=ours, beside=f"{more:+.0f} to off"))
        if name != "off":
            lost = [100 * (1 - one.rate / off.rate) for one, off in pairs]
            rows.append(Figure(f"throughput lost, telemetry {name}", statistics.median(lost), "%", most=MOST if name == DEAD else None, runs=lost))
    return rows


async def bench(rounds: int, count: int, *, only_dead: bool) -> None:
    about = conditions()
    found: dict[str, list[Measured]] = {}
    async with sinking() as sink, standing(lambda line: print(line, file=sys.stderr)) as stand:  # noqa: T201
        for turn in range(rounds):
            chosen = ways(sink)[:2] if only_dead else ways(sink)
            for way in chosen if turn % 2 == 0 else reversed(chosen):
                await restarted(stand, way)
                found.setdefault(way.name, []).append(await once(stand, count))
    about |= {
        "load after": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "shape": f"a process per service, HTTP, {CONNECTIONS} outstanding, {count} exchanges a run, {rounds} rounds that take turns",
    }
    sys.stdout.write(table(figures(found), about) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m services.dev.bench.telemetry", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=4000, help="exchanges in one run")
    parser.add_argument("--only-dead", action="store_true", help="nothing but the dead address, beside no telemetry")
    asked = parser.parse_args()
    return run(bench(asked.rounds, asked.count, only_dead=asked.only_dead))


if __name__ == "__main__":
    sys.exit(main())
