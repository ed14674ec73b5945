"""`python -m services.dev.bench.ending`: how fast a stop is accepted under load, lost credentials are ended, and very many are revoked.

`accepted` is what an operator waits for: from the request to the 202, HTTP, token and the commit in it, while the connector that is fenced lends. It
ends in an fsync, so the disk's own is measured in the same seconds.
"""

import argparse
import asyncio
import os
import signal
import sys
import time

import httpx

from counterfoil.client.client import Client
from services.dev import seed, town
from services.dev.bench.conditions import conditions
from services.dev.bench.figures import Figure, table
from services.dev.bench.floors import fdatasync
from services.dev.bench.loading import load
from services.dev.bench.rates import spec
from services.dev.bench.roles import revoking, settled_registry
from services.dev.bench.sizes import NORMAL, OUTSTANDING
from services.dev.bench.spread import percentile
from services.dev.bench.stand import INSTANT, Stand, standing
from services.dev.bench.tokens import fetched
from services.dev.ports import HOST
from services.dev.running import run
from services.providers.catalog.postgres import Postgres, named

RATE, APART = 100, 0.5
"""Exchanges a second meanwhile, and seconds between two fences."""
GONE = "SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
# From the moment at which a call could take no effect any more to the provider's word that there is nothing.
LEFT_BEHIND = """SELECT extract(epoch FROM r.next_at - m.window_closes_at)::float8 AS took FROM revocation r JOIN mint m USING (credential_id)
    WHERE r.cause = 'orphan' AND r.state = 'confirmed' ORDER BY 1"""
OPEN = "SELECT count(*) FROM mint WHERE state = 'minting' OR (state = 'revoking' AND connector = $1)"
WITHIN = Postgres.window.total_seconds() + 30


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


async def fences(stand: Stand, count: int) -> list[Figure]:
    say(f"{count} fences of a connector that lends {RATE} a second")
    seconds = int(count * (APART + 0.3)) + 5
    async with load(lambda: stand.pids, "bus", kafka=stand.plan.kafka, **spec(stand, NORMAL, INSTANT)) as bus:
        await bus.closed(OUTSTANDING, 500)
        lending = asyncio.create_task(bus.told({"rate": RATE, "count": RATE * seconds}))
        disk = asyncio.create_task(fdatasync(stand.plan.folder, 10 * count, pause=0.02))
        taken = await fenced(stand, count)
        p50, p99 = await disk
        found = await lending
    beside = f"{count} fences; p50 {percentile(taken, 0.5):.1f} ms; fdatasync of 4 KB in the same seconds: p50 {p50:.1f}, p99 {p99:.1f} ms; "
    beside += f"meanwhile {found['done']} exchanges, and {found['failed'] or 'no other answer'}"
    more = {"p50_ms": percentile(taken, 0.5), "fdatasync_p50_ms": p50, "fdatasync_p99_ms": p99}
    return [Figure("a fence is accepted, p99", percentile(taken, 0.99), "ms", most=250, beside=beside, more=more)]


async def fenced(stand: Stand, count: int) -> list[float]:
    """Milliseconds each, the least first."""
    taken, body = [], {"predicate": {"connector": INSTANT}, "cause": "bench"}
    async with httpx.AsyncClient(timeout=30, trust_env=False, base_url=stand.plan.url) as http:
        for _ in range(count):
            bearer = {"Authorization": f"Bearer {await seed.admin_token(http, stand.plan)}"}
            began = time.perf_counter()
            answer = await http.post("/v1/revocations", json=body, headers=bearer)
            taken.append((time.perf_counter() - began) * 1000)
            answer.raise_for_status()
            (await http.post(f"/v1/connectors/{INSTANT}/unfence", headers=bearer)).raise_for_status()
            await asyncio.sleep(APART)
    return sorted(taken)


async def orphans(stand: Stand, count: int) -> list[Figure]:
    """Alive at the provider, and the ledger has lost their rows."""
    say(f"{count} roles that the ledger has lost")
    async with httpx.AsyncClient(trust_env=False) as http:
        token = (await fetched(http, stand.plan.issuer, stand.plan.url, 1))[0]
    async with Client(stand.plan.url, token) as client:
        taken = sorted(await asyncio.gather(*(lost(stand, client, number) for number in range(count))))
    return [
        Figure(
            "a role that no row knows is ended, the slowest", taken[-1], "s", most=WITHIN, beside=f"{count} roles; median {taken[count // 2]:.1f} s"
        )
    ]


async def lost(stand: Stand, client: Client, number: int) -> float:
    await asyncio.sleep(0.7 * number)
    lent = await client.exchange(seed.CONNECTOR, scopes=["read"], lifetime=1800)
    async with stand.sql() as db:
        await db.execute("DELETE FROM mint WHERE credential_id = $1", lent.credential_id)
        began = time.monotonic()
        async with asyncio.timeout(300):
            while not await db.fetchval(GONE, named(lent.credential_id)):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.05)
        return time.monotonic() - began


async def killed(stand: Stand, times: int) -> list[Figure]:
    """Mint dies with calls on the wire, and is started again."""
    say(f"Mint is killed {times} times while it lends roles")
    await seed.sow(stand.plan, stand.broker, 1)
    async with load(lambda: stand.pids, "bus", kafka=stand.plan.kafka, **spec(stand, NORMAL, seed.CONNECTOR)) as bus:
        await settled_registry(bus.closed)
        lending = asyncio.create_task(bus.told({"rate": 100, "count": 100 * 8 * times}))
        for _ in range(times):
            await asyncio.sleep(2)
            await again(stand, "mint")
        await lending
    async with stand.sql() as db, asyncio.timeout(300):
        while await db.fetchval(OPEN, seed.CONNECTOR):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.5)
        taken = [row["took"] for row in await db.fetch(LEFT_BEHIND)]
    beside = f"{len(taken)} left behind by {times} kills; median {taken[len(taken) // 2]:.1f} s" if taken else "nothing was left behind"
    return [Figure("what a killed mint left is settled, after its window", taken[-1] if taken else 0.0, "s", most=30, beside=beside)]


async def again(stand: Stand, role: str) -> None:
    child = next(one for one in stand.children._started if one.command.name == role)  # noqa: SLF001 - as tests do
    os.kill(child.process.pid, signal.SIGKILL)
    await stand.children.forget(child)

    async def ready() -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            try:
                return (await http.get(f"http://{HOST}:{stand.plan.ports[role]}/readyz")).is_success
            except httpx.HTTPError:
                return False

    await stand.children.start(town.service(stand.plan, role), ready)


async def many(stand: Stand, count: int) -> list[Figure]:
    say(f"{count} roles, to be ended by one order")
    await seed.sow(stand.plan, stand.broker, 1)
    async with load(lambda: stand.pids, "bus", kafka=stand.plan.kafka, **spec(stand, NORMAL, seed.CONNECTOR)) as bus:
        await settled_registry(bus.closed)
        await bus.closed(OUTSTANDING, count)
    return await revoking(stand, say)


async def bench(asked: argparse.Namespace) -> None:
    about, found = conditions(), []
    async with standing(say) as stand:
        for part, count in ((orphans, asked.orphans), (fences, asked.fences), (killed, asked.kills), (many, asked.roles)):
            if count:
                before, now = os.getloadavg()[0], await part(stand, count)
                found += now
                say(table(now, {"load": f"{before:.1f} before, {os.getloadavg()[0]:.1f} after"}))
    about["load after"] = " ".join(f"{load:.2f}" for load in os.getloadavg())
    sys.stdout.write(table(found, about) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m services.dev.bench.ending", description=__doc__)
    parser.add_argument("--orphans", type=int, default=20, help="roles whose rows are lost; 0 leaves it out, as with the others")
    parser.add_argument("--fences", type=int, default=100)
    parser.add_argument("--kills", type=int, default=5, help="of mint, under load")
    parser.add_argument("--roles", type=int, default=10_000, help="to be revoked by one order")
    return run(bench(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
