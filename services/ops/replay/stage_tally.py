"""What came of running a stage's recorded messages again: equal, different and how, and what could not be compared and why."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from counterfoil.contracts.base import JsonObject
from services.ops.replay.diff import Difference, differences

SHOWN = 20
"""So many differences are told of in full; all are counted."""


@dataclass(frozen=True, slots=True)
class Different:
    """`where`: topic, partition and offset, or a leaf."""

    where: str
    kind: str
    request_id: str
    why: str
    differences: tuple[Difference, ...] = ()

    def document(self) -> JsonObject:
        about = {"where": self.where, "kind": self.kind, "request_id": self.request_id, "why": self.why}
        return {**about, "differences": [one.document() for one in self.differences]}

    def lines(self) -> Iterator[str]:
        yield f"{self.where}: {self.kind} of request {self.request_id}: {self.why}"
        for one in self.differences:
            yield from one.lines()


@dataclass
class Tally:
    stage: str
    equal: Counter[str] = field(default_factory=Counter)
    apart: Counter[str] = field(default_factory=Counter)
    shown: list[Different] = field(default_factory=list)
    different: int = 0

    @property
    def messages(self) -> int:
        return self.equal.total() + self.apart.total() + self.different

    def same(self, kind: str) -> None:
        self.equal[kind] += 1

    def aside(self, why: str) -> None:
        self.apart[why] += 1

    def differs(self, where: str, kind: str, request_id: object, why: str, recorded: Any = None, now: Any = None) -> None:
        self.different += 1
        if len(self.shown) < SHOWN:
            found = () if recorded is None and now is None else tuple(differences(recorded, now))
            self.shown.append(Different(where, kind, str(request_id), why, found))

    def document(self) -> JsonObject:
        return {
            "stage": self.stage,
            "messages": self.messages,
            "equal": dict(sorted(self.equal.items())),
            "not_compared": dict(sorted(self.apart.items())),
            "different": self.different,
            "differences": [one.document() for one in self.shown],
        }

    def lines(self) -> Iterator[str]:
        yield f"{self.stage}: {self.messages} messages: {self.equal.total()} equal, {self.different} different, {self.apart.total()} not compared"
        yield from (f"  {count:>9}  equal: {kind}" for kind, count in sorted(self.equal.items()))
        yield from (f"  {count:>9}  not compared: {why}" for why, count in sorted(self.apart.items()))
        for one in self.shown:
            yield from one.lines()
        if self.different > len(self.shown):
            yield f"and {self.different - len(self.shown)} more"
