"""What came of checking recorded tokens again. No token and no claim beyond what the fact itself records is in it."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

SHOWN, LONGEST = 20, 200
Different = tuple[str, str, str, Mapping[str, tuple[Any, Any]]]
"""Where, request_id, why, and members by name: as recorded, and as they come out now."""


@dataclass
class Tally:
    equal: Counter[str] = field(default_factory=Counter)
    apart: Counter[str] = field(default_factory=Counter)
    each: list[tuple[str, str]] = field(default_factory=list)
    shown: list[Different] = field(default_factory=list)
    different: int = 0

    def aside(self, where: str, why: str) -> None:
        self.apart[why] += 1
        if len(self.each) < SHOWN:
            self.each.append((where, why))

    def differs(self, where: str, request_id: str, why: str, recorded: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        self.different += 1
        if len(self.shown) < SHOWN:
            names = sorted(name for name in recorded.keys() | now.keys() if recorded.get(name) != now.get(name))
            self.shown.append((where, request_id, why, {name: (recorded.get(name), now.get(name)) for name in names}))

    def document(self) -> dict[str, Any]:
        return {
            "stage": "verify",
            "messages": self.equal.total() + self.apart.total() + self.different,
            "equal": dict(sorted(self.equal.items())),
            "not_compared": dict(sorted(self.apart.items())),
            "not_compared_messages": [{"where": where, "why": why} for where, why in self.each],
            "different": self.different,
            "differences": [
                {"where": where, "request_id": asked, "why": why, "members": {name: {"recorded": a, "now": b} for name, (a, b) in members.items()}}
                for where, asked, why, members in self.shown
            ],
        }

    def lines(self) -> Iterator[str]:
        total = self.equal.total() + self.apart.total() + self.different
        yield f"verify: {total} messages: {self.equal.total()} equal, {self.different} different, {self.apart.total()} not compared"
        yield from (f"  {count:>9}  equal: {kind}" for kind, count in sorted(self.equal.items()))
        yield from (f"  {count:>9}  not compared: {why}" for why, count in sorted(self.apart.items()))
        yield from (f"  {where}: {why}" for where, why in self.each)
        for where, request_id, why, members in self.shown:
            yield f"{where}: request {request_id}: {why}"
            for name, values in members.items():
                yield from (f"  {sign} {name}: {json.dumps(value, ensure_ascii=True)[:LONGEST]}" for sign, value in zip("-+", values, strict=True))
