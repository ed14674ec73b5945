"""Leaves -> one row an exchange: the fact that ended it says how. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.console.audit.leaves import Leaf
from services.console.tally.counting import ENDED, OUTCOMES

ENDS = {kind: outcome for kind, outcome in OUTCOMES.items() if outcome in ENDED}
TONES = {"granted": "ok", "denied": "warn", "rejected": "no", "refused": "info"}
NONE = "-"


@dataclass(frozen=True, slots=True)
class Exchange:
    index: int
    request_id: str
    at: datetime | None
    connector: str
    project: str
    outcome: str
    code: str
    requester: str

    @property
    def tone(self) -> str:
        return TONES[self.outcome]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty: any."""

    connector: str = ""
    outcome: str = ""
    project: str = ""

    def wants(self, one: Exchange) -> bool:
        """`project`: its name, or what its name begins with."""
        return (
            self.connector in ("", one.connector) and self.outcome in ("", one.outcome) and (not self.project or one.project.startswith(self.project))
        )


def exchanges(leaves: Iterable[Leaf]) -> Sequence[Exchange]:
    return [exchange(one) for one in leaves if one.kind in ENDS and one.request_id]


def exchange(one: Leaf) -> Exchange:
    fact = one.fact
    asked: Mapping[str, object] = fact.get("asked") or {}
    place = f"{fact['project']} / {fact.get('environment')}" if fact.get("project") else NONE
    return Exchange(
        one.index, str(one.request_id), one.at, str(fact.get("connector") or asked.get("connector") or NONE), place, ENDS[one.kind],
        str(fact.get("code") or ""), str(fact.get("sub_hash") or NONE),
    )  # fmt: skip
