"""The registry's past: what held at any revision, from the registry changes of the log.

They are read first, and all of them: topics have no order among each other, so a change's leaf may stand before or behind decisions that rest on it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from counterfoil.contracts.base import JsonObject
from counterfoil.contracts.registry_changed import RegistryChanged
from counterfoil.wire.lru import Lru
from counterfoil_server.replay.source import Source, Text, members
from counterfoil_server.runtime.snapshot import ENTRY, Entry, Snapshot

KEPT = 16
Key = tuple[str, str]


class NoHistory(LookupError):
    """What held at this revision does not follow from these leaves. Says why."""


@dataclass(frozen=True, slots=True)
class Change:
    """One registry change and the leaf it stands in."""

    index: int
    fact: RegistryChanged


class History:
    """`changes` in the order of their revisions. `forks`: revisions that the log knows twice; the first that was recorded counts."""

    def __init__(self, changes: Iterable[Change]) -> None:
        by_revision: dict[int, Change] = {}
        self.forks: set[int] = set()
        for one in sorted(changes, key=lambda change: change.index):
            if by_revision.setdefault(one.fact.revision, one) is not one:
                self.forks.add(one.fact.revision)
        self.changes: Sequence[Change] = [by_revision[revision] for revision in sorted(by_revision)]
        self._whole = sum(1 for place, one in enumerate(self.changes, 1) if one.fact.revision == place)
        self._versions: dict[Key, list[tuple[int, JsonObject | None]]] = {}
        self._turns: list[int] = [0]
        for one in self.changes:
            if one.fact.change in ("put", "removed"):
                self._versions.setdefault((one.fact.entry_kind, one.fact.name), []).append((one.fact.revision, one.fact.entry))
                self._turns.append(one.fact.revision)
        self._entries: dict[tuple[Key, int], Entry] = {}
        self._snapshots: Lru[int, Snapshot] = Lru(KEPT)

    @classmethod
    async def read(cls, source: Source) -> Self:
        return cls.of(await source.changes())

    @classmethod
    def of(cls, texts: Iterable[Text]) -> Self:
        return cls(Change(index, RegistryChanged.model_validate(members(index, text)["fact"])) for index, text in texts)

    @property
    def last(self) -> int:
        return self.changes[-1].fact.revision if self.changes else 0

    def missing(self, revision: int) -> int | None:
        """The first change up to this revision that no leaf tells of: revisions have no gaps. A recorded revision may be any number."""
        return None if 0 <= revision <= self._whole else self._whole + 1

    def turn(self, revision: int) -> int:
        """The revision at which entries last changed: between two of them the registry is the same, whatever was fenced or what key was added."""
        return self._turns[bisect_right(self._turns, revision) - 1]

    def at(self, revision: int) -> Snapshot:
        """The registry as it was. Equal entries are the same objects at every revision."""
        found = self._snapshots.get(revision)
        if found is None:
            found = self._made(revision)
            self._snapshots.put(revision, found)
        return found

    def _made(self, revision: int) -> Snapshot:
        if gone := self.missing(revision):
            raise NoHistory(f"no leaf tells of the registry's change {gone}, and what was decided rests on revision {revision}")
        turn = self.turn(revision)
        if turn != revision:
            return replace(self.at(turn), revision=revision)
        return Snapshot.of(revision, [entry for key in self._versions if (entry := self._entry(key, revision)) is not None])

    def _entry(self, key: Key, revision: int) -> Entry | None:
        versions = self._versions[key]
        place = bisect_right(versions, revision, key=lambda one: one[0])
        put, raw = versions[place - 1] if place else (0, None)
        if raw is None:
            return None
        known = self._entries.get((key, put))
        if known is None:
            try:
                known = self._entries[key, put] = ENTRY.validate_python(raw)
            except ValueError:
                raise NoHistory(f"revision {put} holds a {key[0]} {key[1]} that this code cannot read: it was written by other code") from None
        return known

    def revision_at(self, moment: datetime) -> int:
        """The revision that held then, by the times at which changes were made."""
        return max((one.fact.revision for one in self.changes if one.fact.at <= moment), default=0)
