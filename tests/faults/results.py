"""What rounds have shown, kept in a file and added up: N beside every zero."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from counterfoil_server.runtime import crash
from tests.faults.checker import INVARIANTS
from tests.faults.killing import ALONE, AT_RANDOM
from tests.faults.trial import Outcome

Shape = Sequence[Any]
ADDED = ("deaths", "missed", "met", "ends", "counts")


@dataclass
class Kept:
    shape: Shape
    rounds: list[dict[str, Any]] = field(default_factory=list)

    def add(self, seed: int, outcome: Outcome) -> None:
        self.rounds.append({"seed": seed, **outcome.document()})

    def sum(self, what: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for one in self.rounds:
            found.update(one[what])
        return found

    def violations(self) -> dict[str, list[str]]:
        return {name: [text for one in self.rounds for text in one["violations"].get(name, [])] for name in INVARIANTS}

    def violated(self) -> bool:
        return any(self.violations().values())


def read(file: Path, shape: Shape) -> Kept:
    """Rounds of another shape are not added to."""
    if file.exists():
        found = json.loads(file.read_text())
        if found["shape"] == list(shape):
            return Kept(shape, found["rounds"])
    return Kept(shape)


def write(file: Path, kept: Kept) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps({"shape": list(kept.shape), "rounds": kept.rounds}, indent=1))
    draft.replace(file)


def table(kept: Kept) -> str:
    deaths, missed = kept.sum("deaths"), kept.sum("missed")
    lines = [f"{len(kept.rounds)} rounds, seeds {', '.join(str(one['seed']) for one in kept.rounds)}", "", "deaths at"]
    lines += [
        f"  {name:26} {deaths[name]:5}" + (f"   not reached {missed[name]}" if missed[name] else "") for name in (*crash.POINTS, AT_RANDOM, *ALONE)
    ]
    for title, what in (("the provider", "met"), ("asks ended as", "ends"), ("in all", "counts")):
        lines += ["", title, *(f"  {name:26} {count:7}" for name, count in sorted(kept.sum(what).items()))]
    lines += ["", f"violations, of {deaths.total()} deaths and {kept.sum('counts')['asks']} asks"]
    for name, found in kept.violations().items():
        lines += [f"  {name} {len(found):5}", *(f"      {text}" for text in found[:10])]
    return "\n".join(lines)
