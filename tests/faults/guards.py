"""Each guard taken out in turn: the suite has to go red. `python -m tests.faults.guards [GUARD ...]`."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from services.dev.running import run
from tests.faults.__main__ import say
from tests.faults.habits import BY_NAME
from tests.faults.killing import AWAY, STILL
from tests.faults.stand import STOPPED, standing
from tests.faults.trial import FAULTS, trial
from tests.faults.unguarded import GUARDS, without

LATE: Sequence[dict[str, Any]] = ({"op": "mint", "fault": "late", "share": 0.3, "seconds": 8},)
SLOW: Sequence[dict[str, Any]] = ({"op": "mint", "fault": "slow", "share": 1.0, "seconds": 1.2, "connector": STOPPED},)
EVERYWHERE: Sequence[dict[str, Any]] = ({"op": "mint", "fault": "slow", "share": 1.0, "seconds": 1.2},)
DROPPED: Sequence[dict[str, Any]] = ({"op": "mint", "fault": "late", "share": 0.5, "seconds": 1.5, "connector": STOPPED}, *SLOW)
TRIES: Mapping[str, tuple[Sequence[str], Sequence[dict[str, Any]]]] = {
    "swap": ([STILL], ()),
    "window": ([AWAY] * 2, LATE),
    "reconcile": ([AWAY], EVERYWHERE),
    "epoch": (["revoke.settled"] * 3, SLOW),
    "ack-wait": (["revoke.settled"] * 3, DROPPED),
    "audit-first": (["audit.acked"] * 5, FAULTS),
}
"""What brings each to light soonest: deaths, and faults at the provider."""
ROUNDS, PATIENCE = 3, 25.0
TIMED = "after its deadline"
"""How late a client came to look is the machine's affair: by that no guard is missed."""


async def guards(named: Sequence[str]) -> None:
    green = []
    for guard in named:
        for number in range(ROUNDS):
            points, faults = TRIES[guard]
            async with standing(say, without(guard)) as stand:
                how: dict[str, Any] = {"habits": BY_NAME, "patience": PATIENCE, "thorough": False, "hurry": guard == "epoch"}
                outcome = await trial(stand, points, 0, say, seed=number, faults=faults, **how)
            red = {name: seen for name, found in outcome.violations.items() if (seen := [text for text in found if TIMED not in text])}
            sys.stdout.write(f"without {guard}, round {number + 1}: " + (", ".join(f"{name} {len(found)}" for name, found in red.items()) or "green"))
            sys.stdout.write("\n" + "".join(f"    {name}: {found[0]}\n" for name, found in red.items()))
            sys.stdout.flush()
            if red:
                break
        else:
            green.append(guard)
    if green:
        raise SystemExit(f"nobody noticed that these were missing: {', '.join(green)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults.guards", description=__doc__)
    parser.add_argument("guard", nargs="*", default=list(GUARDS), help=", ".join(GUARDS))
    sys.exit(run(guards(parser.parse_args().guard)))
