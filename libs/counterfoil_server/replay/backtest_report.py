"""What a candidate would change: counted by project, connector and rule, with examples. Equal input, equal output."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from counterfoil_server.replay.backtest_outcome import CHANGES, Change, Outcome, change

ASIDE = {"late": "late", "registry_unavailable": "while the registry could not be confirmed"}
"""What was decided by neither registry nor policy."""
Group = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Example:
    index: int
    request_id: str
    asked: Mapping[str, Any]
    before: Outcome
    after: Outcome

    def shown(self) -> dict[str, Any]:
        return {"index": self.index, "request_id": self.request_id, "asked": self.asked, "before": self.before.shown(), "after": self.after.shown()}


@dataclass
class Counted:
    count: int = 0
    examples: list[Example] = field(default_factory=list)


@dataclass
class Report:
    """`most`: examples of each group, the first by their place in the log."""

    most: int
    decisions: int = 0
    aside: Counter[str] = field(default_factory=Counter)
    unpaired: int = 0
    groups: dict[Change, dict[Group, Counted]] = field(default_factory=lambda: {one: {} for one in CHANGES})

    def add(self, index: int, who: Mapping[str, Any], fact: Mapping[str, Any], before: Outcome, after: Outcome) -> None:
        self.decisions += 1
        found = change(before, after)
        if found is None:
            return
        rule = after.rule or after.code or "-"
        group = self.groups[found].setdefault((fact["project"], fact["connector"], rule), Counted())
        group.count += 1
        example = Example(index, fact["asked"]["request_id"], who["wish"], before, after)
        group.examples = sorted([*group.examples, example], key=lambda one: one.index)[: self.most]

    def counts(self) -> dict[Change, int]:
        return {one: sum(group.count for group in self.groups[one].values()) for one in CHANGES}

    def document(self) -> dict[str, Any]:
        counts = self.counts()
        listed = {f"newly_{one}" if one in ("denied", "allowed") else one: self._listed(one) for one in CHANGES}
        summary = {
            "decisions": self.decisions,
            **{str(one): number for one, number in counts.items()},
            "unchanged": self.decisions - sum(counts.values()),
        }
        return {"summary": summary, "set_aside": {**{code: self.aside[code] for code in sorted(self.aside)}, "unpaired": self.unpaired}, **listed}

    def _listed(self, found: Change) -> list[dict[str, Any]]:
        groups = sorted(self.groups[found].items(), key=lambda one: (-one[1].count, one[0]))
        return [
            {"project": project, "connector": connector, "rule": rule, "count": group.count, "examples": [one.shown() for one in group.examples]}
            for (project, connector, rule), group in groups
        ]

    def summary(self) -> str:
        counts = self.counts()
        told = [f"{self.decisions} decisions: {counts['denied']} newly denied, {counts['allowed']} newly allowed, {counts['narrowed']} narrowed"]
        told += [f"{counts['widened']} widened"] if counts["widened"] else []
        told += [f"{number} set aside ({ASIDE[code]})" for code, number in sorted(self.aside.items())]
        told += [f"{self.unpaired} without their other half in what was read"] if self.unpaired else []
        return ", ".join(told)
