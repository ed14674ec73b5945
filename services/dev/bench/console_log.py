"""A log of so many exchanges as it grows, with every row that the console reads beside it: who was lent what, how it ended, what was counted."""

import hashlib
import random
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from counterfoil.contracts.base import named
from counterfoil.contracts.exchange_minted import credential_id
from counterfoil.contracts.revocation_ordered import revocation_id
from counterfoil.wire.canonical import digest
from counterfoil.wire.merkle import Edge, leaf_hash
from services.audit.leaves import NONE_BEFORE, Entry, leaf
from services.console.tally.counting import UNKNOWN, Key
from services.dev.bench.console_made import ISSUER, Sort

STEP = timedelta(milliseconds=2)
"""Between two facts of an exchange."""
DEADLINE = timedelta(seconds=10)


def spelled(at: datetime) -> str:
    """As `microseconds` of audit's leaves, in a third of the time; `at` is in UTC."""
    return at.isoformat(timespec="microseconds")[:-6] + "Z"


@dataclass(frozen=True, slots=True)
class Lent:
    """`number`: of its exchange."""

    number: int
    sort: Sort
    request: UUID
    hash: str
    credential: UUID
    at: datetime

    @property
    def order(self) -> UUID | None:
        """One in ten was revoked by an order; the rest expired."""
        return None if self.number % 10 else named("bench-order", str(self.number // ORDERED))


ORDERED = 10_000
"""Exchanges between two orders."""


@dataclass
class Grown:
    """Rows of what came since the last: leaves, what each is about, who was lent something, whose was ended, tiles."""

    leaves: list[tuple[int, UUID, bytes, bytes, bytes]] = field(default_factory=list)
    about: list[tuple[UUID, int]] = field(default_factory=list)
    lent: list[Lent] = field(default_factory=list)
    ended: list[tuple[Lent, datetime]] = field(default_factory=list)
    tiles: list[tuple[int, int, bytes]] = field(default_factory=list)
    edge: Edge = field(default_factory=Edge)
    last: bytes = NONE_BEFORE


class Book:
    """`live`: of what was granted so many stay alive; the oldest ends when one more is."""

    def __init__(self, sorts: Sequence[Sort], live: int, lifetime: timedelta) -> None:
        self.edge, self.last, self.number = Edge(), NONE_BEFORE, 0
        self.alive: deque[Lent] = deque()
        self.tally: Counter[Key] = Counter()
        self._sorts, self._live, self._lifetime, self._dice = sorts, live, lifetime, random.Random(7)  # noqa: S311 - the same each time
        self._grown, self._size = Grown(), 0

    def exchange(self, at: datetime) -> UUID:
        """One more, and the end of what it supersedes. Its request_id."""
        sort, request = self._dice.choice(self._sorts), named("bench", str(self.number))
        hash_ = digest(request.bytes)
        gaps = {"request": str(request), "hash": hash_, "at": spelled(at), "deadline": spelled(at + DEADLINE)}
        ids = {stage: named(stage, hash_) for stage, _ in sort.facts}
        gaps |= {stage: str(one) for stage, one in ids.items()}
        if sort.ending:
            lent = Lent(self.number, sort, request, hash_, credential_id(hash_, 1), at)
            gaps |= {"credential": str(lent.credential), "expires": spelled(at + self._lifetime)}
            self.alive.append(lent)
            self._grown.lent.append(lent)
        for place, (stage, text) in enumerate(sort.facts):
            self._put(ids[stage], text % gaps, at + place * STEP, request)
        self._count(at, sort, sort.outcome, sort.code)
        if len(self.alive) > self._live:
            self._end(self.alive.popleft(), at + 4 * STEP)
        self.number += 1
        return request

    def _end(self, lent: Lent, at: datetime) -> None:
        revocation, ended = revocation_id(lent.credential), named("bench-ended", str(lent.credential))
        gaps = {"credential": str(lent.credential), "revocation": str(revocation), "ended": str(ended), "at": spelled(at)}
        for place, (name, text) in enumerate(zip((revocation, ended), lent.sort.ending, strict=True)):
            said = text if lent.order is None else text.replace('"cause":"expired"', f'"cause":"requested","order_id":"{lent.order}"')
            said = said if lent.order is None else said.replace('"outcome":"expired"', '"outcome":"revoked"')
            self._put(name, said % gaps, at + place * STEP, lent.credential)
        self._count(at, lent.sort, "revoked", "")
        self._grown.ended.append((lent, at))

    def _put(self, name: UUID, text: str, at: datetime, about: UUID | None) -> None:
        made = Entry(None, hashlib.sha256(text.encode()).digest(), {}, text)  # type: ignore[arg-type] # of its cause nothing is asked
        one = leaf(made, self._size, self.last, spelled(at))
        self.last = leaf_hash(one)
        self._grown.leaves.append((self._size, name, made.fact_hash, self.last, one))
        if about is not None:
            self._grown.about.append((about, self._size))
        self._size += 1

    def _count(self, at: datetime, sort: Sort, outcome: str, code: str) -> None:
        connector = UNKNOWN if outcome == "revoked" else sort.connector  # whose leaf names the credential alone
        self.tally[Key(at.replace(minute=0, second=0, microsecond=0), connector, outcome, code)] += 1

    def taken(self) -> Grown:
        """What came since the last time, as the tree has it from now on."""
        found, self._grown = self._grown, Grown()
        size, levels = self.edge.size + len(found.leaves), self.edge._levels([one[3] for one in found.leaves])  # noqa: SLF001
        roots = self.edge._roots(size, levels)  # `grow` would make each leaf's path too, in twice the time  # noqa: SLF001
        self.edge = found.edge = self.edge._grown(size, levels)  # noqa: SLF001
        found.last = self.last
        found.tiles = [(level, at, node) for (level, at), node in roots.items()]
        return found


def mint(lent: Lent, state: str, lifetime: timedelta) -> tuple[object, ...]:
    """A row of the ledger."""
    sort = lent.sort
    return (
        ISSUER.issuer, sort.sub_hash, lent.request, 1, lent.credential, lent.hash, lent.hash, lent.hash, state, 1, "by_name", sort.connector,
        "default", sort.project, sort.environment, None, {"scopes": ["read"]}, lent.at + DEADLINE, True, lent.at,
        lent.at + DEADLINE, lent.at + lifetime,
    )  # fmt: skip
