"""`python -m services.dev.bench.console`: how quickly the console answers over a large log, how soon an exchange is on a screen, and its memory.

The log, the ledger and the tally are made by the pure core and put in by COPY: `console_made.py` says how. Times are those of a client on the same
machine, one question after another, so the client's own and the way there and back are in them: the floor says how much.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from services.dev import town
from services.dev.bench import console_live, console_pages, processes
from services.dev.bench.conditions import conditions
from services.dev.bench.console_filling import Filling
from services.dev.bench.console_made import sorts
from services.dev.bench.console_stand import Standing, standing
from services.dev.bench.figures import Figure, table
from services.dev.town import Plan

MOST_MB = 150


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def resident(stand: Standing, when: str, most: float | None = MOST_MB) -> Figure:
    return Figure(f"the console's resident memory, {when}", processes.memory(stand.pids)["console"] / 2**20, "MB", most=most)


async def measured(folder: Path, exchanges: int, live: int, times: int, seconds: float) -> tuple[list[Figure], str]:
    filling = Filling(sorts(), exchanges, live)

    async def fill(plan: Plan) -> None:
        await filling.open(plan.superuser_dsn, plan.database, plan.keys, town.origin(plan))
        if not filling.remembered(folder / "book"):
            await filling.fill(say)
            filling.remember(folder / "book")

    async with standing(folder, say, fill) as stand:
        idle, book = resident(stand, "idle"), filling.book
        about = f"{book.number:,} exchanges, {book.edge.size:,} leaves, {len(book.alive):,} live; filled in {filling.took:.0f} s"
        say(about)
        async with stand.browser() as http:
            found = await console_pages.measured(http, filling, stand.pids, times, say)
            found += [idle, resident(stand, "after all pages")]
            found += await console_live.measured(http, filling, seconds, lambda: resident(stand, f"{console_live.SCREENS} open live pages"), say)
        filling.remember(folder / "book")
        await filling.close()
    return found, about


def main(given: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m services.dev.bench.console", description=__doc__)
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument("--live", type=int, default=100_000, help="credentials that are alive")
    parser.add_argument("--times", type=int, default=100, help="how often each page is asked for")
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement of the live page")
    parser.add_argument("--folder", type=lambda text: Path(text).absolute(), help="keep the filled database there, and use the one that is there")
    asked = parser.parse_args(None if given is None else list(given))
    about = conditions()
    with tempfile.TemporaryDirectory(prefix="counterfoil-bench-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        folder = asked.folder or Path(name)
        folder.mkdir(exist_ok=True)
        found, size = asyncio.run(measured(folder, asked.exchanges, asked.live, asked.times, asked.seconds))
    about |= {"load after": " ".join(f"{load:.2f}" for load in os.getloadavg()), "log": size}
    about["made"] = (
        "decided by the rules, a thousand ways of them; each leaf with ids, times, a hash and a place in the tree of its own; put in by COPY"
    )
    sys.stdout.write(table(found, about) + "\n")
    return 1 if any(one.holds is False for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
