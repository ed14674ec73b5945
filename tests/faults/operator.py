"""The operator, who stops one connector after another under load, waits until it is said to be revoked, and lifts the stop: again and again."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import cycle
from typing import Any
from uuid import UUID

import httpx

from tests.faults.habits import USUAL
from tests.faults.history import Stop
from tests.faults.stand import Stand

PATIENCE = 60
IN_FLIGHT = "SELECT EXISTS (SELECT FROM mint WHERE connector = $1 AND state = 'minting' AND sent_at < now() - interval '0.1 s')"


class Operator:
    """`stops` is the history. What cannot be asked because the gateway is away is asked again."""

    def __init__(self, stand: Stand, connectors: Sequence[str] = USUAL.stopped) -> None:
        self._town, self._next = stand.town, cycle(connectors)
        self.stops: list[Stop] = []
        self.hurries: Callable[[], bool] = lambda: False
        """Whether every stop is lifted at once, so that the next can come."""

    async def run(self, pause: float = 2.0) -> None:
        while True:
            await asyncio.sleep(0.3 if self.hurries() else pause)
            await self.once()

    async def once(self) -> None:
        connector = next(self._next)
        await self._something_in_flight(connector)
        found = await self._asked("POST", "/v1/revocations", json={"predicate": {"connector": connector}, "cause": "faults"})
        stop = Stop(connector, datetime.fromisoformat(found["accepted"]["at"]).timestamp())
        self.stops.append(stop)
        if self.hurries() or len(self.stops) % 3 == 0:  # lifted at once: what was begun before falls all the same
            await self._lift()
            return
        with suppress(TimeoutError):  # what it waits for may be dying: the stop is lifted, and the next one comes
            async with asyncio.timeout(PATIENCE):
                await self._until_revoked(str(found["id"]))
        await self._lift()

    async def _until_revoked(self, order: str) -> None:
        while not self.hurries():
            said = await self._asked("GET", f"/v1/revocations/{order}", params={"wait": "2"})
            if said["state"] == "revoked":
                left = frozenset(UUID(one["credential_id"]) for one in said["left"])
                self._last(revoked_at=datetime.now().astimezone().timestamp(), left=left)
                await asyncio.sleep(0.7)
                return

    async def _lift(self) -> None:
        lifting = datetime.now().astimezone().timestamp()
        await self._asked("POST", f"/v1/connectors/{self.stops[-1].connector}/unfence")
        self._last(lifted_at=lifting)

    async def _something_in_flight(self, connector: str) -> None:
        """A stop with nothing on the wire would try nothing."""
        with suppress(TimeoutError):
            async with asyncio.timeout(5), self._town.sql() as db:
                while not await db.fetchval(IN_FLIGHT, connector):  # noqa: ASYNC110 - mint makes it so
                    await asyncio.sleep(0.05)

    def _last(self, **changed: object) -> None:
        self.stops[-1] = replace(self.stops[-1], **changed)  # type: ignore[arg-type]

    async def _asked(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """A lost answer is asked again: an order that was accepted twice is two orders, and both end."""
        while True:
            with suppress(httpx.HTTPError):
                answer = await self._town.http.request(method, self._town.plan.url + path, headers=await self._town.admin(), **more)
                if answer.is_success:
                    return dict(answer.json())
            await asyncio.sleep(0.2)
