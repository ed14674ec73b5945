"""What clients ask for and what the operator stops."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.adapter import every
from tests.faults.stand import CUT, HELD, MAIN, STOPPED

LONGEST = {name: int(one.longest.total_seconds()) for name, one in every().items()}


@dataclass(frozen=True)
class Habits:
    """`connectors`: each with its weight. `patience`: how long clients wait; `lifetimes`: for how long they want it. `stopped`: in turn."""

    connectors: Sequence[tuple[str, float]] = ((MAIN, 0.45), (STOPPED, 0.25), (HELD, 0.15), (CUT, 0.15))
    patience: Sequence[float] = (2.0, 4.0, 8.0)
    lifetimes: Sequence[int] = (3, 8, 90)
    stopped: Sequence[str] = (STOPPED, HELD, STOPPED, CUT)


USUAL = Habits()
BY_NAME = Habits(((MAIN, 0.5), (STOPPED, 0.5)), stopped=(STOPPED,))
