"""Which fault a call meets: by instruction, by chance, and so many times."""

import random
from dataclasses import dataclass, field
from typing import Any

FAULTS = {
    "mint": ("429", "500", "hang", "slow", "trickle", "drop", "late", "twice"),
    "revoke": ("429", "500", "hang", "slow", "trickle", "drop", "fails", "lies"),
}
"""429, 500 and hang do nothing; slow answers late; trickle sends its headers bit by bit; drop obeys and answers nothing; late obeys after the caller
has left; twice obeys twice; fails says no K times for each credential; lies says yes and does nothing."""


@dataclass
class Rule:
    """`share`: of the calls. `count`: how often in all, if not without end. `seconds`: how long it takes, if it takes long. `times`: K of fails.

    `connector`: of this one alone, or of all of this provider.
    """

    op: str
    fault: str
    share: float = 1.0
    count: int | None = None
    seconds: float = 1.0
    times: int = 2
    connector: str | None = None


@dataclass
class Plan:
    rules: list[Rule] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(9))  # noqa: S311 - no secret is made of it
    failed: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, given: dict[str, Any]) -> "Plan":
        rules = [Rule(**one) for one in given["rules"]]
        if wrong := [rule for rule in rules if rule.fault not in FAULTS[rule.op]]:
            raise ValueError(f"no such fault: {wrong}")
        return cls(rules, random.Random(given.get("seed", 9)))  # noqa: S311 - as above

    def meets(self, op: str, connector: str, name: str) -> Rule | None:
        for rule in self.rules:
            if rule.op != op or rule.connector not in (None, connector, provider_of(connector)) or rule.count == 0:
                continue
            if self.chance.random() >= rule.share:
                continue
            if rule.fault == "fails" and not self._fails(rule, name):
                continue
            if rule.count is not None:
                rule.count -= 1
            return rule
        return None

    def _fails(self, rule: Rule, name: str) -> bool:
        self.failed[name] = self.failed.get(name, 0) + 1
        return self.failed[name] <= rule.times


def provider_of(connector: str) -> str:
    return connector.partition("/")[0]
