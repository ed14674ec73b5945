"""Clients and an operator at work while something happens to what they work with; then rest, and what the history violates."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx

from counterfoil_server.runtime.store.database import AWAY
from services.dev.trouble import Say
from tests.faults.checker import check
from tests.faults.clients import Clients
from tests.faults.history import History
from tests.faults.operator import Operator
from tests.faults.reading import PATIENCE, at_rest, history
from tests.faults.stand import MAIN, Stand

SLOW: Sequence[dict[str, Any]] = ({"op": "mint", "fault": "slow", "share": 0.3, "seconds": 0.4},)
"""So that calls are on the wire whenever something happens."""
STILL = 6.0
"""Seconds without a new leaf, after which no stage has anything left to read."""


@dataclass
class Load:
    stand: Stand
    clients: Clients
    operator: Operator

    def ends(self, since: float = 0.0, until: float = float("inf")) -> Counter[str]:
        """How what was asked in between ended, once it has. What was asked of the connector that is stopped all the time is left out."""
        asks = [ask for ask in self.clients.asks if since <= ask.at < until and ask.connector == MAIN]
        return Counter(f"{ask.ended} {ask.code}".strip() for ask in asks)

    async def judged(self, say: Say, patience: float = PATIENCE) -> tuple[History, Mapping[str, list[str]]]:
        """After the load has ended."""
        say(f"at rest after {await at_rest(self.stand, patience):.0f} s")
        await self._still(patience)
        seen = await history(self.stand, self.clients, self.operator)
        return seen, check(seen)

    async def _still(self, patience: float) -> None:
        before = -1
        with suppress(TimeoutError):
            async with asyncio.timeout(patience), self.stand.town.sql() as db:
                while (now := await db.fetchval("SELECT count(*) FROM audit_leaf")) != before:
                    before = now
                    await asyncio.sleep(STILL)


@asynccontextmanager
async def loaded(stand: Stand, *, seed: int = 1, rate: float = 8.0, faults: Sequence[dict[str, Any]] = SLOW) -> AsyncIterator[Load]:
    """From the first answer on; when it is left, whoever is asking sees it through."""
    known = (await stand.town.http.get(f"{stand.town.plan.url}/.well-known/counterfoil")).raise_for_status().json()
    load = Load(stand, Clients(stand, known, seed), Operator(stand))
    await stand.plan(*faults, seed=seed)
    asking, stopping = asyncio.create_task(load.clients.run(rate)), asyncio.create_task(stops(load.operator))
    try:
        while not load.ends()["credential"] and not asking.done():  # noqa: ASYNC110 - the clients make it so
            await asyncio.sleep(0.1)
        yield load
        assert not asking.done(), "the clients have ended"
    finally:
        for task in (asking, stopping):
            task.cancel()
            with suppress(asyncio.CancelledError, TimeoutError, httpx.HTTPError):
                await task


async def stops(operator: Operator) -> None:
    """The operator looks into the database to see when a stop is worth while: where that is away, he waits."""
    while True:
        with suppress(*AWAY):
            await operator.run()
        await asyncio.sleep(1)
