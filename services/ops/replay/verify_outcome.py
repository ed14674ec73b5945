"""What comes of one decision that is made again, and what comes of them all."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from counterfoil.contracts.base import JsonObject
from counterfoil.wire.canonical import canonical
from services.ops.replay.diff import Difference, Drift, differences
from services.ops.replay.verify_recorded import Recorded

EQUAL, SHAPE = "equal", "shape"
Outcome = str | Drift
SHOWN = 20
"""So many drifts are told of in full; all are counted."""


def compared(one: Recorded, members: dict[str, Any]) -> Outcome:
    text = canonical(members, exact=True).decode()
    if text == one.text:
        return EQUAL
    found = tuple(differences(one.fact, members)) or (Difference("(spelling)", one.text, text),)
    return drifted(one, "this code comes to something else", found)


def drifted(one: Recorded, why: str, found: tuple[Difference, ...] = ()) -> Drift:
    return Drift(one.index, one.kind, one.request_id, why, found)


@dataclass
class Tally:
    """`shape`: rejections by code that rest on the token. `apart`: by reason, what could not be decided from this source, or was by other code."""

    leaves: int = 0
    equal: Counter[str] = field(default_factory=Counter)
    shape: Counter[str] = field(default_factory=Counter)
    apart: Counter[str] = field(default_factory=Counter)
    drifts: list[Drift] = field(default_factory=list)
    drifted: int = 0

    @property
    def decisions(self) -> int:
        return self.equal.total() + self.shape.total() + self.drifted

    def add(self, one: Recorded, outcome: Outcome) -> None:
        if isinstance(outcome, Drift):
            self.drifted += 1
            if len(self.drifts) < SHOWN:
                self.drifts.append(outcome)
        elif outcome == SHAPE:
            self.shape[str(one.fact.get("code"))] += 1
        else:
            self.equal[one.kind] += 1

    def document(self) -> JsonObject:
        return {
            "leaves": self.leaves,
            "decisions": self.decisions,
            "equal": dict(sorted(self.equal.items())),
            "shape_only": dict(sorted(self.shape.items())),
            "not_decided": dict(sorted(self.apart.items())),
            "drifted": self.drifted,
            "drift": [one.document() for one in self.drifts],
        }

    def lines(self) -> Iterator[str]:
        yield f"{self.decisions} decisions in {self.leaves} leaves: {self.equal.total()} made again and equal byte for byte, {self.drifted} not"
        yield from (f"  {count:>9}  {kind}" for kind, count in sorted(self.equal.items()))
        if self.shape:
            yield f"{self.shape.total()} rejections rest on the token itself, which is in no log: their form and basis were checked, not their reason"
            yield from (f"  {count:>9}  {code}" for code, count in sorted(self.shape.items()))
        if self.apart:
            yield f"{self.apart.total()} were not decided again"
            yield from (f"  {count:>9}  {why}" for why, count in sorted(self.apart.items()))
        for one in self.drifts:
            yield from one.lines()
        if self.drifted > len(self.drifts):
            yield f"and {self.drifted - len(self.drifts)} more"
