"""The audit log as replay reads it: leaves in their order, a part at a time, from the database (role ops) or from an export file."""

import json
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

PART = 1024
TIME = b'"time":"'
MICROSECONDS = "%Y-%m-%dT%H:%M:%S.%fZ"
Text = tuple[int, bytes]
"""A leaf's index and its exact bytes."""


class BadSource(ValueError):
    """What was given is no log to replay. Says why."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which leaves: from an index on, and recorded within a span of time."""

    first: int = 0
    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> bool:
        return self.first == 0 and self.since is None and self.until is None

    def of(self, part: Sequence[Text]) -> list[Text]:
        """The log's own times are text of one width in UTC, so they compare as they stand; the leaf need not be parsed for it."""
        if self.since is None and self.until is None:
            return list(part) if part and part[0][0] >= self.first else [one for one in part if one[0] >= self.first]
        since, until = stamped(self.since, b""), stamped(self.until, b"\xff")
        return [one for one in part if one[0] >= self.first and since <= time_of(one[1]) < until]


EVERYTHING = Window()


class Source(Protocol):
    """`first` is the index of the first leaf it has: 0, unless it is a part of a log. `done` is how much of it was read, from 0 to 1."""

    first: int
    done: float

    def parts(self, window: Window = EVERYTHING) -> AsyncIterator[list[Text]]: ...
    async def changes(self) -> list[Text]:
        """Every leaf of a registry change: few, and needed before anything else can be decided."""
        ...

    async def facts(self, ids: Collection[UUID]) -> list[Text]:
        """The leaves of the facts with these ids, wherever they stand."""
        ...


async def leaves(source: Source, window: Window = EVERYTHING) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """Index and members, one leaf at a time."""
    async for part in source.parts(window):
        for index, text in part:
            yield index, members(index, text)


def members(index: int, text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("fact"), dict):
        raise BadSource(f"leaf {index} is no leaf of an audit log: `counterfoil audit verify` says what became of it")
    return found


def time_of(text: bytes) -> bytes:
    """Behind the fact, whose own members cannot look like it: a quote within a text is escaped."""
    return text.rpartition(TIME)[2][:27]


def stamped(moment: datetime | None, default: bytes) -> bytes:
    return default if moment is None else moment.astimezone(UTC).strftime(MICROSECONDS).encode()
