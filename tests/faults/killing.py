"""A stage is told where to die, dies there, and is started again; or it is killed at any moment. The others go on."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from counterfoil_server.runtime import crash
from services.dev import town as towns
from services.dev.child import Child
from services.dev.supervision import up_at_once
from services.dev.town import SERVICES
from tests.faults.providers import STOPS
from tests.faults.stand import Stand

AT_RANDOM, PAUSED, STILL, AWAY = "at random", "paused past its window", "paused with it in hand", "killed and away"
ALONE = (PAUSED, STILL, AWAY)
"""What befalls mint alone, beside deaths."""
OF = {"relay": "gateway", "outbound": "mint", "reconciler": "revoker"}
"""Whose process passes the points that are not named for it."""
RARE = frozenset({"mint.swap_lost", "reconciler.claiming", "reconciler.claimed", "revoker.obeying", "revoker.obeyed"})
"""Passed now and then only: death comes with the first passage."""
PATIENCE = 60.0
BEGUN = "SELECT credential_id::text FROM mint WHERE state = 'minting' AND sent_at > now() - interval '2 s'"
LONG_PAUSE = 13.0
"""Seconds: any deadline, the window, what the reconciler waits beside it, and the revocation."""
AWAKE = 1.5
WITHOUT_MINT = 4.0
"""Seconds: longer than most requests wait, so that what was begun is left to the reconciler."""


def role_of(point: str) -> str:
    stem = point.partition(".")[0]
    return OF.get(stem, stem)


class Killing:
    """`done` counts deaths by point; `missed` the times that a point was not reached in time."""

    def __init__(self, stand: Stand, seed: int) -> None:
        self._stand, self._town = stand, stand.town
        self._chance = random.Random(seed)  # noqa: S311 - no secret is made of it
        self._room = asyncio.Semaphore(2)
        self._locks = {role: asyncio.Lock() for role in SERVICES}
        self.done: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.wants_stops = False
        """A lost swap takes a stop while a call is on the wire."""

    async def all(self, points: Sequence[str], at_random: int) -> None:
        """Two stages at once, each death after the other."""
        lots = self._lots(points, at_random)
        async with asyncio.TaskGroup() as stages:
            for role, lot in sorted(lots.items(), key=lambda one: -len(one[1])):
                if lot:
                    stages.create_task(self._stage(role, lot))

    def _lots(self, points: Sequence[str], at_random: int) -> dict[str, list[str]]:
        lots: dict[str, list[str]] = {role: [] for role in SERVICES}
        for point in points:
            lots["mint" if point in ALONE else role_of(point)].append(point)
        for _ in range(at_random):
            lots[self._chance.choice(list(SERVICES))].append(AT_RANDOM)
        return lots

    async def _stage(self, role: str, lot: list[str]) -> None:
        self._chance.shuffle(lot)
        async with self._room, self._locks[role]:
            for point in lot:
                special = {AT_RANDOM: self._at_random, PAUSED: self._pause, STILL: self._still, AWAY: self._away}
                try:
                    await special.get(point, partial(self._at, point=point))(role)
                except TimeoutError:
                    self.missed[point] += 1
            await self._again(role)
            await self._ready(role)

    async def _at(self, role: str, point: str) -> None:
        passage = 1 if point in RARE else self._chance.choice((1, 1, 2, 3))
        child = await self._again(role, f"{point}:{passage}")
        aid = asyncio.create_task(self._interrupted()) if point.startswith("reconciler.") else None
        self.wants_stops = self.wants_stops or point == "mint.swap_lost"
        try:
            await asyncio.wait_for(child.process.wait(), PATIENCE)
        except TimeoutError:
            self.missed[point] += 1
        else:
            self.done[point] += child.process.returncode == -signal.SIGKILL
            self.missed[point] += child.process.returncode != -signal.SIGKILL
        self.wants_stops = self.wants_stops and point != "mint.swap_lost"
        if aid is not None:
            await aid

    async def _at_random(self, role: str) -> None:
        child = await self._again(role)
        await self._ready(role)
        await asyncio.sleep(self._chance.uniform(0.0, 2.0))
        await self._kill(child)
        self.done[AT_RANDOM] += 1

    async def _pause(self, role: str) -> None:
        """Stopped with calls on the wire, and gone on with when others have settled what it had begun."""
        child = await self._calling(role)
        os.kill(child.process.pid, signal.SIGSTOP)
        await self._wakes(child, PAUSED)

    async def _still(self, role: str) -> None:
        """It stops itself with a credential in hand, of which the ledger does not know."""
        child = await self._again(role, "mint.answered", {STOPS: "1"})
        async with asyncio.timeout(PATIENCE):
            while not stopped(child.process.pid):  # noqa: ASYNC110 - another process does it
                await asyncio.sleep(0.02)
        await self._wakes(child, STILL)

    async def _wakes(self, child: Child, what: str) -> None:
        """When others have settled what it had begun; and then it has a while to do what it should not."""
        await asyncio.sleep(LONG_PAUSE)
        os.kill(child.process.pid, signal.SIGCONT)
        await asyncio.sleep(AWAKE)
        self.done[what] += 1

    async def _away(self, role: str) -> None:
        """Killed with calls on the wire, and nobody there until all who asked have left."""
        await self._kill(await self._calling(role))
        await asyncio.sleep(LONG_PAUSE)
        self.done[AWAY] += 1

    async def _calling(self, role: str) -> Child:
        """With a call that the provider has heard, and the ledger knows no end of."""
        child = await self._again(role)
        await self._ready(role)
        async with asyncio.timeout(PATIENCE), self._town.sql() as db:
            while not await self._stand.heard(*(row[0] for row in await db.fetch(BEGUN))):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        return child

    async def _interrupted(self) -> None:
        """Mint dies with calls on the wire, and stays away until nobody waits for them any more."""
        if self._locks["mint"].locked():
            return
        async with self._locks["mint"]:
            child = self._town.child("mint")
            await self._kill(child)
            await asyncio.sleep(WITHOUT_MINT)
            await self._again("mint")

    async def _again(self, role: str, point: str | None = None, more: Mapping[str, str] = MappingProxyType({})) -> Child:
        child = self._town.child(role)
        await self._kill(child)
        await self._town.children.forget(child)
        plan = self._town.plan
        told = {**plan.own, role: {**plan.own.get(role, {}), "COUNTERFOIL_CRASH": point, **more}} if point else plan.own
        return await self._town.children.start(towns.service(replace(plan, own=told), role), up_at_once)

    async def _kill(self, child: Child) -> None:
        if child.process.returncode is None:
            os.kill(child.process.pid, signal.SIGKILL)
            await child.process.wait()

    async def _ready(self, role: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await self._town.ready(role):  # noqa: ASYNC110 - it is another process that becomes so
                await asyncio.sleep(0.05)


def stopped(pid: int) -> bool:
    """The state stands behind the name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def every(times: int) -> list[str]:
    return [point for point in crash.POINTS for _ in range(times)]
