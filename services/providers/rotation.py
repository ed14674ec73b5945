"""Which of an installation's root secrets is used. A new one may be here before its provider takes it: until then the one before goes on."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from counterfoil.contracts.registry import Connector
from services.providers.consenting import Pastes
from services.providers.roots import Place, Roots
from services.providers.seam import Root, RootRefused

log = logging.getLogger("counterfoil.providers")
T = TypeVar("T")
AGAIN = 5.0
"""Seconds after which a root secret that was not taken is tried again."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Which was taken last, counted from the newest (0); and of which newest that was true."""

    newest: Root = field(repr=False)
    which: int
    until: float


class Rotation:
    def __init__(self, roots: Roots, clock: Callable[[], float] = time.monotonic) -> None:
        self._roots, self._clock = roots, clock
        self._taken: dict[Place, Taken] = {}

    async def done(self, connector: Connector, installation: str, act: Callable[[Root], Awaitable[T]]) -> T:
        """What `act` comes to with a root secret that the provider takes. Raises what it raises; RootRefused where none is taken."""
        place, sets = (connector.name, installation), await self._roots.sets(connector, installation)
        *some, last = self._order(place, sets)
        for which in some:
            with suppress(RootRefused):
                return await self._use(place, sets, which, act)
        return await self._use(place, sets, last, act)

    async def on_behalf(self, provider: object, connector: Connector, installation: str, act: Callable[[Root], Awaitable[T]]) -> T:
        """For what is lent on behalf of a person: where that is a key of theirs, there need be none."""
        return await act({}) if isinstance(provider, Pastes) else await self.done(connector, installation, act)

    async def _use(self, place: Place, sets: Sequence[Root], which: int, act: Callable[[Root], Awaitable[T]]) -> T:
        found = await act(sets[which])
        self._note(place, sets[0], which)
        return found

    def _order(self, place: Place, sets: Sequence[Root]) -> Sequence[int]:
        """Once the newest was taken, those before it are history."""
        taken = self._taken.get(place)
        if taken is None or taken.newest != sets[0]:
            return range(len(sets))
        if taken.which == 0:
            return [0]
        first = taken.which if self._clock() < taken.until and taken.which < len(sets) else 0
        return [first, *(which for which in range(len(sets)) if which != first)]

    def _note(self, place: Place, newest: Root, which: int) -> None:
        before = self._taken.get(place)
        if before and before.newest == newest and before.which == which and (which == 0 or self._clock() < before.until):
            return
        self._taken[place] = Taken(newest, which, self._clock() + AGAIN)
        if which:
            log.warning("the provider does not take the new root secret yet: the one before is used", extra={"connector": place[0]})
