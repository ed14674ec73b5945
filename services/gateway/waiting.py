"""Callers who wait for an answer from the bus, by request_hash: an id is worth nothing to a stranger, the hash of the exact bytes is."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from counterfoil.wire.asking import Opened, Question
from counterfoil.wire.lru import Lru
from services.gateway.handed import Handed
from services.gateway.problems import Problem
from services.gateway.undelivered import Undelivered

REMEMBERED = 65_536


@dataclass(slots=True, eq=False)
class Waiter:
    """`offsets` are the replies that came for it, good ones and others: none of them is dealt with before the caller has its answer."""

    question: Question
    answer: "asyncio.Future[Opened]"
    offsets: list[int] = field(default_factory=list)
    handed: bool = False


class Waiting:
    """Whoever leaves without having been handed the answer leaves a credential behind that nobody holds: its end is ordered."""

    def __init__(self, handed: Handed, undelivered: Undelivered) -> None:
        self._handed, self._undelivered = handed, undelivered
        self._open: dict[str, Waiter] = {}
        self._past: Lru[str, bool] = Lru(REMEMBERED)

    def __len__(self) -> int:
        return len(self._open)

    def get(self, request_hash: str) -> Waiter | None:
        return self._open.get(request_hash)

    @contextmanager
    def entered(self, question: Question) -> Iterator[Waiter]:
        """The caller's whole time here, up to the last byte of the response: `handed` is set when that was sent."""
        if question.request_hash in self._open:  # the same id, wish and microsecond: whose answer it would be is not to be guessed
            raise Problem("in_progress")
        waiter = Waiter(question, asyncio.get_running_loop().create_future())
        self._open[question.request_hash] = waiter
        try:
            yield waiter
        finally:
            del self._open[question.request_hash]
            if waiter.handed:
                self.past(question.request_hash)
                self._handed.done(*waiter.offsets)
            elif waiter.offsets:
                self._undelivered.add(question.request_hash, waiter.offsets)

    def past(self, request_hash: str) -> None:
        """This answer was handed over: the same reply may come once more, and means nothing then."""
        self._past.put(request_hash, value=True)

    def nobodys(self, request_hash: str, offset: int) -> None:
        """A reply of this instance for which no caller is here any more."""
        if not self._past.get(request_hash):
            self._handed.hold(offset)
            self._undelivered.add(request_hash, [offset])
