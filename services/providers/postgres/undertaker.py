"""Kills the lent roles of one hand together: becoming that hand costs more than the killing."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import asyncpg

from counterfoil.wire.secret import Secret
from services.providers.postgres import roles
from services.providers.postgres.pools import Pools, Where, deadline, within
from services.providers.postgres.roles import Lent
from services.providers.seam import ProviderError, Unknown

AT_ONCE = 32
Waiting = dict[Lent, "asyncio.Future[None]"]


class Undertaker:
    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        self._waiting: defaultdict[tuple[Where, str], Waiting] = defaultdict(dict)
        self._at_work: set[asyncio.Task[None]] = set()

    async def bury(self, where: Where, password: Secret, lent: Lent) -> None:
        """Returns when it is dead. While all connections are taken, more of the same hand join in."""
        waiting = self._waiting[where, lent.hand]
        if not waiting:
            task = asyncio.create_task(self._work(where, password, lent.hand))
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        await asyncio.shield(waiting.setdefault(lent, asyncio.get_running_loop().create_future()))

    async def _work(self, where: Where, password: Secret, hand: str) -> None:
        try:
            async with self._pools.connection(where, password, deadline()) as connection:
                taken = self._waiting.pop((where, hand))
                lents = list(taken)
                for start in range(0, len(lents), AT_ONCE):
                    await self._kill(connection, where, password, lents[start : start + AT_ONCE], taken)
        except ProviderError as error:  # there was no connection to be had
            for one in self._waiting.pop((where, hand)).values():
                settle(one, error)

    async def _kill(self, connection: asyncpg.Connection, where: Where, password: Secret, lents: Sequence[Lent], taken: Waiting) -> None:
        """All in one go; where one of them resists, each by itself, so that it holds up no other."""
        try:
            async with within(deadline(), Unknown):
                await roles.kill(connection, lents)
        except ProviderError:
            for lent in lents:
                settle(taken[lent], await self._kill_one(connection, where, password, lent))
        else:
            for lent in lents:
                settle(taken[lent], None)

    async def _kill_one(self, connection: asyncpg.Connection, where: Where, password: Secret, lent: Lent) -> ProviderError | None:
        try:
            async with within(deadline(), Unknown):
                await roles.kill_an_owner(connection, self._pools, where, password, lent)
        except ProviderError as error:
            return error
        return None


def settle(waiting: "asyncio.Future[None]", error: ProviderError | None) -> None:
    if waiting.done():
        return
    if error is None:
        waiting.set_result(None)
    else:
        waiting.set_exception(error)
        waiting.exception()  # whoever waited may have gone: asyncio would log that nobody asked
