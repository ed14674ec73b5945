"""What every service stands on, taken away under load: Kafka and PostgreSQL killed, the network bad, the disk full. Then rest, and the checker."""

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
from tests.faults.flow import REVOKED, answered, back, settled
from tests.faults.ground import Ground, grounded
from tests.faults.happening import KILLED, Happening, happenings, skipped
from tests.faults.load import Load, loaded
from tests.faults.saying import say, seconds, spread, violations

LONGEST = 90.0
SETTLING = 2.0


@dataclass
class Row:
    """Of one kind: seconds until answers, and revocations, flowed again; how asks of then ended; which services ended, and what became of it."""

    answers: list[float] = field(default_factory=list)
    revocations: list[float] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)


async def flowing(load: Load, since: float) -> tuple[float, float]:
    """Seconds until each partition has answered, and until each has seen a revocation through; both of what began after `since`."""
    found: list[float | None] = [None, None]
    async with asyncio.timeout(LONGEST):
        while None in found:
            await asyncio.sleep(0.2)
            found = [back(answered(load.clients), since), back(await settled(load.stand.town, REVOKED, since), since)]
    return found[0] or 0.0, found[1] or 0.0


async def happened(ground: Ground, load: Load, happening: Happening, row: Row) -> None:
    """A death counts from when it came, everything else from when it was over."""
    before, began = Counter(ground.keeper.again), time.time()
    if remark := await happening.does(ground):
        row.remarks.append(remark)
    answers, revocations = await flowing(load, began if happening.counts == KILLED else time.time())
    row.answers.append(answers)
    row.revocations.append(revocations)
    await asyncio.sleep(SETTLING)
    row.spans.append((began, time.time()))
    row.ended += ground.keeper.again - before
    ground.say(f"{happening.name}: answers after {answers:.1f} s, revocations after {revocations:.1f} s{' (' + remark + ')' if remark else ''}")


@dataclass
class Found:
    rows: dict[str, Row]
    violated: dict[str, list[str]]
    counts: Counter[str]
    skipped: str = ""

    def table(self) -> str:
        lines = [f"{'':22} {'times':>5} {'answers back, s':>24} {'revocations back, s':>24}  asked meanwhile; services that ended"]
        for name, row in self.rows.items():
            ended = f"; {spread(row.ended)}" if row.ended else ""
            lines.append(f"{name:22} {len(row.answers):5} {seconds(row.answers):>24} {seconds(row.revocations):>24}  {spread(row.ends)}{ended}")
            lines += [f"{'':22} {remark}" for remark in row.remarks]
        lines += [self.skipped] if self.skipped else []
        return "\n".join([*lines, "", spread(self.counts), violations(self.violated, self.counts["asks"])])

    def bad(self) -> bool:
        return any(self.violated.values())


async def once(told: Say, *, kills: int = 1, times: int = 1, lasting: float = 4.0, rate: float = 8.0, only: Sequence[str] = ()) -> Found:
    """All that may happen, one after the other, on one ground; and what the history violates."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-ground-") as folder:
        async with grounded(Path(folder), told, own_disk=True) as ground:
            chosen = [one for one in happenings(ground, lasting) if not only or one.name in only]
            found = Found({one.name: Row() for one in chosen}, {}, Counter(), skipped(ground))
            async with loaded(ground.stand, rate=rate) as load:
                for happening in chosen:
                    for _ in range(kills if happening.counts == KILLED else times):
                        await happened(ground, load, happening, found.rows[happening.name])
            for row in found.rows.values():
                row.ends = sum((load.ends(*span) for span in row.spans), Counter[str]())
            seen, violated = await load.judged(told)
    found.violated = {name: list(texts) for name, texts in violated.items()}
    found.counts.update({"asks": len(seen.asks), "credentials": len(seen.lives), "revocations": len(seen.endings), "stops": len(seen.stops)})
    return found


async def violated(told: Say) -> bool:
    """The round that `make faults` has of it."""
    found = await once(told)
    sys.stdout.write("\n" + found.table() + "\n")
    return found.bad()


async def main(asked: argparse.Namespace) -> None:
    found = await once(say, kills=asked.kills, times=asked.times, lasting=asked.seconds, rate=asked.rate, only=asked.only)
    sys.stdout.write(found.table() + "\n")
    if found.bad():
        raise SystemExit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults.infrastructure", description=__doc__)
    parser.add_argument("--kills", type=int, default=5, help="of Kafka, and of PostgreSQL")
    parser.add_argument("--times", type=int, default=2, help="of everything else")
    parser.add_argument("--seconds", type=float, default=8.0, help="how long the network is bad")
    parser.add_argument("--rate", type=float, default=8.0, help="asks a second")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="as the table has them")
    sys.exit(run(main(parser.parse_args())))
