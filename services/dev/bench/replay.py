"""`python -m services.dev.bench.replay`: how many recorded decisions are made again in a second, and whether all are equal byte for byte."""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from counterfoil.contracts.registry import Policy
from counterfoil_server.replay.backtest_kept import KEPT as BACKTEST_KEPT
from counterfoil_server.replay.backtest_kept import Decider
from counterfoil_server.replay.backtest_report import Report
from counterfoil_server.replay.backtest_run import backtested
from counterfoil_server.replay.history import History
from counterfoil_server.replay.source import leaves
from services.dev.bench.conditions import conditions
from services.dev.bench.figures import Figure, table
from services.dev.bench.replay_log import export, policy_alone
from services.ops.replay.backtest_candidate import Candidate
from services.ops.replay.export import Export
from services.ops.replay.verify import KEPT, Verification

WAYS = (("answers kept", KEPT, 20_000), ("each at length", 0, 8_000))
ASKED_ALONE = 2_000
CANDIDATE = Candidate(
    (Policy(name="no-writes", cedar='forbid (principal, action == Action::"mint", resource) when { context.scopes.contains("write") };'),)
)


def again(path: Path, kept: int) -> tuple[Verification, float]:
    async def run() -> Verification:
        source = Export(path)
        work = Verification(source, await History.read(source), kept)
        await work.run()
        return work

    began = time.process_time()
    work = asyncio.run(run())
    return work, time.process_time() - began


def tried(path: Path, kept: int) -> tuple[Report, Decider, float]:
    async def run() -> tuple[Report, Decider]:
        source = Export(path)
        decider = Decider(await History.read(source), CANDIDATE, kept)
        return await backtested(leaves(source), decider, 3), decider

    began = time.process_time()
    return *asyncio.run(run()), time.process_time() - began


def figures(exchanges: int, folder: Path) -> list[Figure]:
    path = folder / "log"
    took = export(path, exchanges)
    megabytes = path.stat().st_size / 2**20
    found = [Figure("made by the pure core", exchanges / took, "exchanges/s", beside=f"{exchanges:,} exchanges, {megabytes:,.0f} MB of leaves")]
    found.append(Figure("floor: Cedar asked alone, nothing kept", policy_alone(ASKED_ALONE), "/s of one core"))
    for name, kept, least in WAYS:
        work, took = again(path, kept)
        tally, grants, who = work.tally, work.grants, work.identities
        hits = 100 * (grants.hits + who.hits) / max(1, grants.asked + who.asked)
        beside = f"{tally.decisions:,} decisions, {tally.equal.total():,} equal, {tally.drifted} not; hit rate {hits:.1f} %"
        found.append(Figure(f"decisions made again, {name}", tally.decisions / took, "/s of one core", least, beside=beside))
    report, decider, took = tried(path, BACKTEST_KEPT)
    found.append(Figure("grants through a candidate policy", report.decisions / took, "/s of one core", beside=backtest_said(report, decider)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*found, Figure("peak resident memory", peak, "MB")]


def backtest_said(report: Report, decider: Decider) -> str:
    changes = ", ".join(f"{count:,} {name}" for name, count in report.counts().items() if count)
    return f"{report.decisions:,} grants, {changes}; hit rate {100 * decider.hits / max(1, decider.asked):.1f} %"


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
