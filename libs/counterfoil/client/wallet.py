"""Wallet: the credentials that a client keeps. One load at a time for each key, refreshed ahead, dropped when revoked."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

from counterfoil.client.credential import Credential
from counterfoil.client.errors import CounterfoilError, Revoked
from counterfoil.client.freshness import Age
from counterfoil.client.slot import Slot
from counterfoil.wire.lru import Lru

LIMIT = 1024
REMEMBERED = 4096
"""Revoked ids: news of an end may come before the credential itself does."""
ROUNDS = 3

Load = Callable[[], Awaitable[Credential]]
GiveBack = Callable[[Credential], Coroutine[Any, Any, object]]


def utc_now() -> datetime:
    return datetime.now(UTC)


class Wallet:
    """For one event loop. What is dropped for want of room, or left at the end, lives on until it expires: somebody may be using it."""

    def __init__(
        self, give_back: GiveBack, *, now: Callable[[], datetime] = utc_now, spread: Callable[[float, float], float] = random.uniform,
        limit: int = LIMIT,
    ) -> None:  # fmt: skip
        """`give_back` is for what was loaded, and is nobody's by the time it comes."""
        self._give_back, self._now, self._spread = give_back, now, spread
        self._slots: Lru[Hashable, Slot] = Lru(limit)
        self._holders: WeakValueDictionary[UUID, Slot] = WeakValueDictionary()
        self._gone: Lru[UUID, bool] = Lru(REMEMBERED)
        self._flights: set[asyncio.Task[Any]] = set()
        self._partings: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def get(self, key: Hashable, load: Load) -> Credential:
        """Raises what `load` raises, where there is no other that is still good."""
        for _ in range(ROUNDS):
            slot = self._slot(key)
            now = self._now()
            age = slot.age(now)
            if slot.kept is not None and (age in (Age.FRESH, Age.AGING) or (age is Age.ENDING and slot.resting(now))):
                if age is Age.AGING and slot.flight is None and not slot.resting(now):
                    self._depart(slot, load)
                return slot.kept.credential
            found = await self._landed(slot, slot.flight or self._depart(slot, load))
            if found is not None:
                return found
        raise Revoked("revoked", "it was revoked each time it had been lent", fix="ask again once whoever revokes has come to an end")

    def instead_of(self, key: Hashable, rejected: Credential) -> None:
        """The provider did not take it. Whoever comes late with one that was replaced already changes nothing."""
        slot = self._slots.get(key)
        if slot is not None and slot.holds(rejected.credential_id):
            slot.kept = None

    def revoked(self, credential_id: UUID) -> None:
        """By its holder: also what is being loaded in its place is not wanted any more. Whoever waits for that is given a newer one."""
        slot = self._holder(credential_id)
        self._gone.put(credential_id, True)
        if slot is not None:
            self._end(slot)

    def settled(self, credential_id: UUID) -> None:
        """By whomever. What is being loaded in its place is another one."""
        slot = self._holder(credential_id)
        self._gone.put(credential_id, True)
        if slot is not None:
            slot.kept = None

    def forget_all(self) -> None:
        """After a time in which news could not be heard."""
        for slot in self._slots.values():
            self._end(slot)

    async def close(self) -> None:
        """What is being loaded is given up; what is being given back is seen through."""
        self._closed = True
        for flight in self._flights:
            flight.cancel()
        await asyncio.gather(*self._flights, *self._partings, return_exceptions=True)

    def _slot(self, key: Hashable) -> Slot:
        slot = self._slots.get(key)
        if slot is None:
            slot = Slot()
            self._slots.put(key, slot)
        return slot

    def _holder(self, credential_id: UUID) -> Slot | None:
        slot = self._holders.get(credential_id)
        return slot if slot is not None and slot.holds(credential_id) else None

    def _end(self, slot: Slot) -> None:
        slot.epoch += 1
        slot.kept = slot.flight = None

    async def _landed(self, slot: Slot, flight: "asyncio.Task[Credential]") -> Credential | None:
        """None where what was loaded was revoked meanwhile. Whoever waits may give up: the load goes on for the others."""
        epoch = slot.epoch
        try:
            found = await asyncio.shield(flight)
        except Exception:
            if slot.epoch != epoch:
                return None
            if slot.kept is not None and slot.age(self._now()) is not Age.DEAD:
                return slot.kept.credential
            raise
        except asyncio.CancelledError:
            if flight.cancelled() and self._closed:
                raise CounterfoilError("closed", "the client was closed", fix="keep the client open until the last answer is there") from None
            raise
        return found if slot.epoch == epoch else None

    def _depart(self, slot: Slot, load: Load) -> "asyncio.Task[Credential]":
        slot.flight = started(self._load(slot, load), self._flights)
        return slot.flight

    async def _load(self, slot: Slot, load: Load) -> Credential:
        epoch = slot.epoch
        try:
            credential = await load()
        except Exception as error:
            if slot.epoch == epoch:
                slot.failed(self._now(), error)
            raise
        finally:
            if slot.epoch == epoch:
                slot.flight = None
        if slot.epoch != epoch:
            started(self._give_back(credential), self._partings)
        elif self._gone.get(credential.credential_id):
            self._end(slot)
        else:
            self._keep(slot, credential)
        return credential

    def _keep(self, slot: Slot, credential: Credential) -> None:
        if slot.kept is not None:
            self._holders.pop(slot.kept.credential.credential_id, None)
        slot.keep(self._now(), credential, self._spread)
        self._holders[credential.credential_id] = slot


def started(work: Coroutine[Any, Any, Any], among: "set[asyncio.Task[Any]]") -> "asyncio.Task[Any]":
    """Held until it has ended: the loop itself would let it be collected."""
    task = asyncio.create_task(work)
    among.add(task)
    task.add_done_callback(among.discard)
    task.add_done_callback(looked_at)
    return task


def looked_at(task: "asyncio.Task[Any]") -> None:
    """Whoever waits for it has its error; one in the background is tried again later."""
    if not task.cancelled():
        task.exception()
