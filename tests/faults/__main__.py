"""`make faults`: every crash point, kills at random, a provider that faults; and what that violated."""

import argparse
import random
import sys
import time
from pathlib import Path

from counterfoil_server.runtime import crash
from services.dev.running import run
from tests.faults import infrastructure, results
from tests.faults.killing import ALONE, every
from tests.faults.stand import standing
from tests.faults.trial import trial


def say(line: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


async def faults(times: int, at_random: int, rounds: int, file: Path, only: list[str]) -> None:
    """A round is a trial of its own; its result is kept before the next begins, and rounds that were kept are not run again."""
    kept = results.read(file, (times, at_random, sorted(only)))
    for number in range(len(kept.rounds), rounds):
        seed = random.SystemRandom().randrange(2**31)
        say(f"round {number + 1} of {rounds}, seed {seed}")
        points = [point for point in [*every(times), *ALONE * times] if not only or point in only]
        async with standing(say) as stand:
            outcome = await trial(stand, points, at_random, say, seed=seed)
        kept.add(seed, outcome)
        results.write(file, kept)
    sys.stdout.write(results.table(kept) + "\n")
    shaken = not only and await infrastructure.violated(say)
    if kept.violated() or shaken:
        raise SystemExit(1)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--times", type=int, default=2, help="deaths at each crash point, in each round")
    parser.add_argument("--at-random", type=int, default=20, help="kills at any moment, in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--file", type=Path, default=Path(".counterfoil/faults.json"), help="where results are kept; what is there is gone on with")
    parser.add_argument("--only", nargs="*", default=[], choices=[*crash.POINTS, *ALONE], metavar="POINT")
    parser.add_argument("--anew", action="store_true", help="forget what is kept")
    asked = parser.parse_args()
    if asked.anew:
        asked.file.unlink(missing_ok=True)
    return run(faults(asked.times, asked.at_random, asked.rounds, asked.file, asked.only))


if __name__ == "__main__":
    sys.exit(main())
