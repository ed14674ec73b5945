"""Two of every service under load: one of each is killed, and each is restarted in turn. What it prints is how long that took."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.dev.running import run
from services.dev.trouble import Say
from tests.faults.checker import INVARIANTS
from tests.faults.flow import ORDERED, REVOKED, Done, answered, back, settled
from tests.faults.load import Load, loaded
from tests.faults.pairs import STAGES, Pairs, name, paired
from tests.faults.saying import say, seconds, spread, violations
from tests.faults.stand import parted

LONGEST = 60.0
SETTLING = 3.0


@dataclass
class Row:
    """Of one stage: seconds until it worked again where the other replica took over, and where the killed one came back."""

    taken_over: list[float] = field(default_factory=list)
    came_back: list[float] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)
    """From a death until all is as it was."""


async def done(load: Load, role: str, since: float) -> Sequence[Done]:
    """What this stage has a hand in."""
    if role in {"revoke", "revoker"}:
        return await settled(load.stand.town, REVOKED if role == "revoke" else ORDERED, since)
    return answered(load.clients)


async def works(load: Load, role: str, since: float) -> float:
    """Seconds from then until each partition has gone through it. TimeoutError where that is never."""
    async with asyncio.timeout(LONGEST):
        while (found := back(await done(load, role, since), since)) is None:  # noqa: ASYNC110 - others make it so
            await asyncio.sleep(0.2)
    return found


async def killed(pairs: Pairs, load: Load, role: str, row: Row) -> None:
    """One replica goes and stays away; then it is started, and the other goes and comes back at once."""
    first = await pairs.writer() if role == "audit" else 0
    since = time.time()
    await pairs.kill(role, first)
    row.taken_over.append(await works(load, role, since))
    await pairs.start(role, first)
    await pairs.serving(role, first)
    await asyncio.sleep(SETTLING)
    row.spans.append((since, time.time()))
    second = 1 - first
    since = time.time()
    await pairs.kill(role, second)
    await pairs.start(role, second)
    row.came_back.append(await works(load, role, since))
    await pairs.serving(role, second)
    await asyncio.sleep(SETTLING)
    row.spans.append((since, time.time()))


async def rolled(pairs: Pairs, told: Say) -> tuple[float, float]:
    """Every replica of every stage, one after the other. The audit that stands by goes first. From when till when that was."""
    began = time.time()
    for role in STAGES:
        writer = await pairs.writer() if role == "audit" else 1
        for number in (1 - writer, writer):
            ending, coming = await pairs.restart(role, number)
            told(f"restarted {name(role, number)}: ended after {ending:.1f} s, serves after {coming:.1f} s")
            await asyncio.sleep(1)
    await asyncio.sleep(SETTLING)
    return began, time.time()


async def measured(pairs: Pairs, times: int, rate: float, told: Say) -> bool:
    rows = {role: Row() for role in STAGES}
    async with loaded(pairs.stand, rate=rate) as load:
        for role in STAGES:
            for _ in range(times):
                await killed(pairs, load, role, rows[role])
            told(f"{role}: taken over after {seconds(rows[role].taken_over)} s, back after {seconds(rows[role].came_back)} s")
        rolling = await rolled(pairs, told)
    _, found = await load.judged(told)
    lines = [f"{'':10} {'taken over, s':>16} {'came back, s':>16}  asked meanwhile"]
    for role, row in rows.items():
        ends = sum((load.ends(*span) for span in row.spans), Counter[str]())
        lines.append(f"{role:10} {seconds(row.taken_over):>16} {seconds(row.came_back):>16}  {spread(ends)}")
    lines += ["", f"rolling restart: {spread(load.ends(*rolling))}", "", violations(found, len(load.clients.asks))]
    sys.stdout.write("\n".join(lines) + "\n")
    return any(found[invariant] for invariant in INVARIANTS)


async def main(times: int, rate: float) -> None:
    with tempfile.TemporaryDirectory(prefix="counterfoil-pairs-") as folder:
        async with parted(Path(folder), say) as parts, paired(Path(folder) / "town", parts.kafka.servers, parts.postgres) as pairs:
            if await measured(pairs, times, rate, say):
                raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults.replicas", description=__doc__)
    parser.add_argument("--times", type=int, default=1, help="kills of each stage's replicas, of both kinds")
    parser.add_argument("--rate", type=float, default=10.0, help="asks a second")
    asked = parser.parse_args()
    sys.exit(run(main(asked.times, asked.rate)))
