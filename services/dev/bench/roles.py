"""From a token to a PostgreSQL role that works: at the iterations that drivers want, and at one. Then the end of all of them by one order."""

import asyncio
import time
from typing import Any

import httpx

from services.dev import seed
from services.dev.bench import runs
from services.dev.bench.figures import Figure
from services.dev.bench.loading import Measured, load
from services.dev.bench.rates import spec
from services.dev.bench.sizes import OUTSTANDING, Sizes
from services.dev.bench.stand import Stand
from services.dev.trouble import Say

ALIVE = "SELECT count(*) FROM mint WHERE connector = $1 AND state = ANY($2)"
LIVING = ["minting", "active", "revoking", "stuck", "uncertain"]
ROLES = r"SELECT count(*) FROM pg_roles WHERE rolname ~ '^cf_[0-9a-f]{32}$'"
PATIENCE = 300


async def lending(stand: Stand, sizes: Sizes, say: Say) -> list[Figure]:
    found = []
    for iterations, least, count in ((4096, 200, sizes.roles), (1, 800, sizes.fast_roles)):
        await seed.sow(stand.plan, stand.broker, iterations)
        async with load(lambda: stand.pids, "bus", kafka=stand.plan.kafka, **spec(stand, sizes, seed.CONNECTOR)) as bus:
            await settled_registry(bus.closed)
            measured = []
            for turn in range(min(2, sizes.repeats)):
                say(f"PostgreSQL roles, {iterations} iterations, {turn + 1}")
                measured.append(await bus.closed(OUTSTANDING, count))
        found.append(runs.rate(f"token to PostgreSQL role, {iterations:,} SCRAM iterations", measured, least))
        found.append(runs.cpu("  CPU of our processes per exchange", measured, None))
    return found


async def settled_registry(closed: Any) -> None:
    """A changed connector refuses decisions of older revisions, until every process has the new one."""
    for _ in range(50):
        found: Measured = await closed(5, 20)
        if not found.failed:
            return
        await asyncio.sleep(0.2)


async def revoking(stand: Stand, say: Say) -> list[Figure]:
    async with stand.sql() as ours:
        alive = await ours.fetchval(ALIVE, seed.CONNECTOR, LIVING)
        say(f"Revoking {alive} by one order")
        began = time.monotonic()
        await order(stand)
        accepted, first, left = time.monotonic() - began, 0.0, alive
        while left and time.monotonic() - began < PATIENCE:
            await asyncio.sleep(0.05)
            left = await ours.fetchval(ALIVE, seed.CONNECTOR, LIVING)
            if left < alive and not first:
                first = time.monotonic() - began
        took, roles = time.monotonic() - began, await ours.fetchval(ROLES)
    beside = f"accepted after {accepted:.2f} s; {alive / took:.0f}/s; roles left, read back: {roles}; not settled: {left}"
    most = 60 * max(alive, 1) / 10_000
    more = {"revoked": alive - left, "roles_left": roles}
    return [
        Figure("revocation by one order: first settled", first, "s", most=1),
        Figure(f"  all {alive:,} settled (10,000 in 60 s)", took, "s", most=most, beside=beside, more=more),
    ]


async def order(stand: Stand) -> None:
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        bearer = {"Authorization": f"Bearer {await seed.admin_token(http, stand.plan)}"}
        body = {"predicate": {"connector": seed.CONNECTOR}, "cause": "bench"}
        (await http.post(f"{stand.plan.url}/v1/revocations", json=body, headers=bearer)).raise_for_status()
