"""While a connector is fenced its provider is shut too, where its config asks for that: what nobody holds the token of opens nothing, either.

One that has left the registry stays as it is: nobody knows any more where it was.
"""

import asyncio
import logging
from functools import partial

from counterfoil.contracts.registry import Connector
from counterfoil_server.domain.revocation import wait
from counterfoil_server.runtime.loops import forever
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.store.database import Pool
from services.providers.abilities import Shuts
from services.providers.ends import LONGEST_CALL
from services.providers.rotation import Rotation
from services.providers.seam import ProviderError
from services.providers.shelf import Shelf

log = logging.getLogger("counterfoil.revoke")
DUE = "SELECT name, state <> 'active' AS shut FROM connector WHERE (state <> 'active') = (shut_at IS NULL)"
DONE = "UPDATE connector SET shut_at = CASE WHEN $2 THEN clock_timestamp() END WHERE name = $1"
AT_ONCE = """UPDATE revocation r SET next_at = clock_timestamp() FROM mint m
    WHERE m.credential_id = r.credential_id AND m.connector = $1 AND r.state IN ('pending', 'stuck')"""
"""What could not be ended while the place was shut would live again until its next try."""


class Shutters:
    def __init__(self, db: Pool, shelf: Shelf, roots: Rotation, registry: Registry) -> None:
        self._db, self._shelf, self._roots, self._registry = db, shelf, roots, registry
        self._tries: dict[str, tuple[int, float]] = {}

    async def run(self, every: float = 0.5) -> None:
        await forever("shutters", self.turn, every)

    async def turn(self, _: int = 0) -> None:
        for row in await self._db.fetch(DUE):
            connector = self._registry.snapshot.connectors.get(row["name"])
            tried, next_at = self._tries.get(row["name"], (0, 0.0))
            if connector is None or asyncio.get_running_loop().time() < next_at:
                continue
            try:
                await self._put(connector, shut=row["shut"])
            except (ProviderError, TimeoutError) as error:
                self._tries[connector.name] = tried + 1, asyncio.get_running_loop().time() + wait(tried).total_seconds()
                log.warning("not shut or opened yet", extra={"connector": connector.name, "code": getattr(error, "code", "timeout")})

    async def _put(self, connector: Connector, *, shut: bool) -> None:
        snapshot, provider = self._registry.snapshot, self._shelf.provider(connector.provider)
        if not isinstance(provider, Shuts):
            return
        places = dict.fromkeys([connector.installation, *snapshot.installations.get(connector.name, ())])
        configs = {place: snapshot.config(connector, place) for place in places}
        wanted = [place for place in places if provider.shuts(configs[place]) or not shut]
        for place in wanted:
            async with asyncio.timeout(LONGEST_CALL):
                await self._roots.done(connector, place, partial(provider.shut if shut else provider.reopen, configs[place]))
        if wanted:
            await self._db.execute(DONE, connector.name, shut)
            if not shut:
                await self._db.execute(AT_ONCE, connector.name)
            self._tries.pop(connector.name, None)
            log.info("shut, or opened again", extra={"connector": connector.name, "state": "shut" if shut else "open"})
