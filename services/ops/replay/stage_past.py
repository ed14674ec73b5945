"""What stood in a credential's way at a moment, by the log: fences, blocks, and since which revision older decisions of a connector are stale."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil_server.domain.intent import SKEW
from counterfoil_server.replay.history import Change, History
from counterfoil_server.runtime.snapshot import ENTRY, Entry
from counterfoil_server.runtime.store.outdated import Concern, concern, together

MEMBERS = ("connector", "project", "environment", "issuer", "sub_hash")
EVERY = ""
FENCED, ACTIVE = "fenced", "active"


@dataclass(slots=True)
class Block:
    members: dict[str, Any]
    since: datetime
    until: datetime | None
    lifted: datetime | None = None

    def stands(self, grant: GrantApproved, at: datetime) -> bool:
        inside = self.since <= at and not (self.until and self.until <= at) and not (self.lifted and self.lifted <= at)
        return inside and all(self.members.get(name) in (None, getattr(grant, name)) for name in MEMBERS)


class Past:
    """Times are those at which changes were made; what was decided within the clocks' skew of one may have seen either side of it."""

    def __init__(self, history: History) -> None:
        self._states: dict[str, list[tuple[datetime, str]]] = {}
        self._stale: dict[str, list[tuple[datetime, int]]] = {}
        self._blocks: dict[str, Block] = {}
        self._entries: dict[tuple[str, str], Entry] = {}
        self._times: list[datetime] = sorted(one.fact.at for one in history.changes)
        for one in history.changes:
            self._follow(one)

    def moments(self, at: datetime) -> Iterator[datetime]:
        """`at`, and both sides of each change within the skew of it."""
        yield at
        near = self._times[bisect_right(self._times, at - SKEW) : bisect_right(self._times, at + SKEW)]
        for one in near:
            yield one
            yield one - timedelta(microseconds=1)

    def state(self, connector: str, at: datetime) -> str:
        return str(last(self._states.get(connector, ()), at, FENCED))

    def revision(self, connector: str, at: datetime) -> int:
        return max(int(last(self._stale.get(name, ()), at, 0)) for name in (connector, EVERY))

    def blocked(self, grant: GrantApproved, at: datetime) -> bool:
        return any(block.stands(grant, at) for block in self._blocks.values())

    def _follow(self, one: Change) -> None:
        fact = one.fact
        match fact.change:
            case "put" | "removed":
                self._entry(one)
            case "fenced" | "unfenced":
                self._states.setdefault(fact.name, []).append((fact.at, FENCED if fact.change == "fenced" else ACTIVE))
            case "blocked":
                members = dict(fact.entry or {})
                until = members.pop("until", None)
                self._blocks[fact.name] = Block(members, fact.at, datetime.fromisoformat(until) if until else None)
            case "unblocked" if fact.name in self._blocks:
                self._blocks[fact.name].lifted = fact.at

    def _entry(self, one: Change) -> None:
        """A connector that is put again after it was removed lends again; one that is fenced stays so."""
        fact, key = one.fact, (one.fact.entry_kind, one.fact.name)
        before, after = self._entries.pop(key, None), None
        if fact.entry is not None:
            after = self._entries[key] = ENTRY.validate_python(fact.entry)
        if fact.entry_kind == "connector" and (before is None or after is None):
            self._states.setdefault(fact.name, []).append((fact.at, FENCED if after is None else ACTIVE))
        concerned: Concern = together(concern(before), concern(after))
        for name in (EVERY,) if concerned is None else concerned:
            self._stale.setdefault(name, []).append((fact.at, fact.revision))


def last(changes: Sequence[tuple[datetime, Any]], at: datetime, usual: Any) -> Any:
    place = bisect_right(changes, at, key=lambda one: one[0])
    return changes[place - 1][1] if place else usual
