"""`python -m services.dev.bench.replay`: how many recorded decisions are made again in a second, and whether all are equal byte for byte."""

import argparse
import asyncio
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from counterfoil.contracts.registry import Ceiling, Connector, Issuer, Link, Mapped, Policy
from counterfoil_server.replay.history import History
from services.dev.bench.conditions import conditions
from services.dev.bench.figures import Figure, table
from services.dev.bench.recorded import Recorder
from services.ops.replay.export import Export
from services.ops.replay.verify import KEPT, Verification

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
ISSUER = Issuer(
    name="ci", issuer="https://ci.example", pins={"owner": "acme"}, project=Mapped(claim="repository"), environment=Mapped(claim="environment"),
    record=frozenset({"ref", "workflow"}),
)  # fmt: skip
PROJECTS, CALLERS, CHANGES = 40, 2000, 50
SCOPES: tuple[list[str], ...] = (["read"], ["write"], ["read", "write"], ["admin"], [])
MAIN = 'forbid (principal, action, resource) unless { context.claims has ref && context.claims.ref == "refs/heads/main" };'


def registry() -> list[Any]:
    connectors = [Connector(name=f"postgres/db-{at}", scopes=frozenset({"read"})) for at in range(4)]
    ceiling = Ceiling(scopes=frozenset({"read", "write"}), longest=900)
    links = [
        Link(connector=one.name, project=f"acme/app-{at}", environments=frozenset({"production"}), ceiling=ceiling)
        for at in range(PROJECTS) for one in connectors[at % 4 :: 4]
    ]  # fmt: skip
    return [ISSUER, *connectors, *links, Policy(name="main-only", cedar=MAIN)]


def written(exchanges: int) -> Iterator[tuple[int, bytes]]:
    """A few thousand callers who ask for what they ask for, and an operator who narrows and widens a link now and then."""
    log, dice = Recorder(BEGAN), random.Random(7)  # noqa: S311 - the same log each time
    for one in registry():
        yield log.changed(log.put(one))
    link = next(one for one in log.snapshot.entries if isinstance(one, Link))
    for number in range(exchanges):
        log.now += timedelta(milliseconds=2)
        if number % max(1, exchanges // CHANGES) == 1:
            link = link.model_copy(update={"ceiling": link.ceiling.model_copy(update={"longest": 300 + number % 600})})
            yield log.changed(log.put(link))
        caller = dice.randrange(CALLERS)
        ref = "refs/heads/main" if dice.random() < 0.9 else f"refs/heads/topic-{caller % 7}"
        claims = {
            "owner": "acme", "repository": f"acme/app-{caller % PROJECTS}", "environment": "production" if caller % 11 else "preview",
            "ref": ref, "workflow": f"deploy-{caller % 5}.yml",
        }  # fmt: skip
        wish = {"connector": f"postgres/db-{caller % 4 if caller % 13 else 0}", "scopes": SCOPES[min(4, int(dice.expovariate(1)))]}
        yield from log.exchange(number, ISSUER, f"repo:{caller}", claims, wish)


def export(path: Path, exchanges: int) -> float:
    began = time.perf_counter()
    with path.open("w", encoding="utf-8") as file:
        for index, text in written(exchanges):
            file.write(f'{{"index":{index},"leaf":{json.dumps(text.decode(), ensure_ascii=False)}}}\n')
    return time.perf_counter() - began


def again(path: Path, kept: int) -> tuple[Verification, float]:
    async def run() -> Verification:
        source = Export(path)
        work = Verification(source, await History.read(source), kept)
        await work.run()
        return work

    began = time.process_time()
    work = asyncio.run(run())
    return work, time.process_time() - began


def figures(exchanges: int, folder: Path) -> list[Figure]:
    path = folder / "log"
    took = export(path, exchanges)
    megabytes = path.stat().st_size / 2**20
    found = [Figure("made by the pure core", exchanges / took, "exchanges/s", beside=f"{exchanges:,} exchanges, {megabytes:,.0f} MB of leaves")]
    for name, kept, least in (("answers kept", KEPT, 20_000), ("each at length", 0, 8_000)):
        work, took = again(path, kept)
        tally, grants, who = work.tally, work.grants, work.identities
        hits = 100 * (grants.hits + who.hits) / max(1, grants.asked + who.asked)
        beside = f"{tally.decisions:,} decisions, {tally.equal.total():,} equal, {tally.drifted} not; hit rate {hits:.1f} %"
        found.append(Figure(f"decisions made again, {name}", tally.decisions / took, "/s of one core", least, beside=beside))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*found, Figure("peak resident memory", peak, "MB")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m services.dev.bench.replay", description=__doc__)
    parser.add_argument("--exchanges", type=int, default=100_000)
    asked = parser.parse_args()
    about = conditions()
    with tempfile.TemporaryDirectory() as folder:
        found = figures(asked.exchanges, Path(folder))
    sys.stdout.write(table(found, about) + "\n")
    return 0 if all(one.holds is not False for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
