"""What differs between a decision as it was recorded and as it is made now: member by member, and readable."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from counterfoil.cli.printing import plain
from counterfoil.contracts.base import JsonObject

ABSENT = object()
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Difference:
    member: str
    recorded: Any
    now: Any

    def document(self) -> JsonObject:
        both = {"recorded": self.recorded, "now": self.now}
        return {"member": self.member, **{name: value for name, value in both.items() if value is not ABSENT}}

    def lines(self) -> Iterator[str]:
        for sign, value in (("-", self.recorded), ("+", self.now)):
            if value is not ABSENT:
                yield f"  {sign} {self.member}: {shown(value)}"


@dataclass(frozen=True, slots=True)
class Drift:
    """A decision that this code does not come to again, or that rests on what the log does not hold."""

    index: int
    kind: str
    request_id: str
    why: str
    differences: tuple[Difference, ...] = ()

    def document(self) -> JsonObject:
        about = {"index": self.index, "kind": self.kind, "request_id": self.request_id, "why": self.why}
        return {**about, "differences": [one.document() for one in self.differences]}

    def lines(self) -> Iterator[str]:
        yield f"leaf {self.index}: {self.kind} of request {self.request_id}: {self.why}"
        for one in self.differences:
            yield from one.lines()


def differences(recorded: Any, now: Any, member: str = "") -> Iterator[Difference]:
    """The deepest members that are not equal. 1, true and 1.0 are three."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        for name in sorted(recorded.keys() | now.keys()):
            yield from differences(recorded.get(name, ABSENT), now.get(name, ABSENT), f"{member}.{name}" if member else name)
    elif recorded is ABSENT or now is ABSENT or json.dumps(recorded, sort_keys=True) != json.dumps(now, sort_keys=True):
        yield Difference(member, recorded, now)


def shown(value: Any) -> str:
    text = plain(json.dumps(value, ensure_ascii=False, sort_keys=True))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"
