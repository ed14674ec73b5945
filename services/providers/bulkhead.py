"""So many calls at once for a connector, and so many that wait: one slow provider must not take up all there is."""

import asyncio
from collections import Counter

from services.providers.wanted import Key, Wanted

CALLS, SHARE = 200, 1000
"""For one connector: calls at once, and requests in hand, those that wait among them. A quarter of what mint takes at all (OPEN)."""
OPEN = 4 * SHARE


class Bulkhead:
    """Who has entered holds a place of its connector, and its own key: the same caller's same id waits, and finds what the first has done."""

    def __init__(self, calls: int = CALLS, share: int = SHARE) -> None:
        self._calls, self._share = calls, share
        self._admitted, self._in_hand = set[Wanted](), Counter[str]()
        self._inside: dict[Key, tuple[Wanted, asyncio.Event]] = {}
        self._places: dict[str, asyncio.Semaphore] = {}

    def admit(self, one: Wanted) -> bool:
        """False: its connector has all that it may have in hand. Whoever is admitted must leave, whether it entered or not."""
        if self._in_hand[one.connector.name] >= self._share:
            return False
        self._in_hand[one.connector.name] += 1
        self._admitted.add(one)
        return True

    def free(self, one: Wanted) -> bool:
        """It could enter without waiting."""
        return one.key not in self._inside and not self._place(one).locked()

    async def enter(self, one: Wanted) -> None:
        while busy := self._inside.get(one.key):
            await busy[1].wait()
        self._inside[one.key] = one, asyncio.Event()
        try:
            await self._place(one).acquire()
        except BaseException:
            self._inside.pop(one.key)[1].set()
            raise

    def leave(self, one: Wanted) -> None:
        """Once is enough: of one that has left nothing more is kept."""
        if one not in self._admitted:
            return
        self._admitted.remove(one)
        if self._inside.get(one.key, (None,))[0] is one:
            self._inside.pop(one.key)[1].set()
            self._place(one).release()
        name = one.connector.name
        self._in_hand[name] -= 1
        if not self._in_hand[name]:
            del self._in_hand[name]
            self._places.pop(name, None)

    def _place(self, one: Wanted) -> asyncio.Semaphore:
        return self._places.setdefault(one.connector.name, asyncio.Semaphore(self._calls))
