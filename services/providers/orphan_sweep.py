"""Orphans are looked for, found by their names, and ended: what lives where the ledger knows all there may be, and it does not know it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from counterfoil.contracts.base import named
from counterfoil.contracts.registry import Connector
from counterfoil.contracts.revocation_ordered import revocation_id
from counterfoil.contracts.revocation_settled import CredentialRevoked
from counterfoil.wire.envelope import encode
from counterfoil_server.runtime.loops import forever
from counterfoil_server.runtime.service import Clock
from services.providers.orphans import Orphans
from services.providers.seam import ProviderError
from services.providers.settlements import Settlements

log = logging.getLogger("counterfoil.revoke")
EVERY: Final = 10.0
GRACE: Final = timedelta(seconds=2)
LONGEST_LOOK: Final = 10.0
End = Callable[[], Awaitable[object]]
Place = tuple[str, str]


class OrphanSweep:
    """No name tells how old it is. So it counts from when it was first seen here, unknown: for a window it is left alone."""

    def __init__(self, orphans: Orphans, settlements: Settlements, now: Clock) -> None:
        self._orphans, self._settlements, self._now = orphans, settlements, now
        self._seen: dict[Place, dict[UUID, float]] = {}

    async def run(self, every: float = EVERY) -> None:
        async def turn(_: int) -> None:
            await self.turn()

        await forever("orphans", turn, every)

    async def turn(self) -> int:
        """How many were ended. A place that cannot be looked into now is looked into later, and holds up no other."""
        return sum(await asyncio.gather(*(self._at(connector, installation) for connector, installation in self._orphans.sole())))

    async def _at(self, connector: Connector, installation: str) -> int:
        place = connector.name, installation
        try:
            async with asyncio.timeout(LONGEST_LOOK):
                window, unknown = await self._orphans.unknown(connector, installation)
        except (ProviderError, TimeoutError) as error:
            log.info("orphans not looked for", extra={"connector": connector.name, "code": getattr(error, "code", "timeout")})
            return 0
        now, before = asyncio.get_running_loop().time(), self._seen.get(place, {})
        self._seen[place] = {one: before.get(one, now) for one in unknown}
        old = [one for one, since in self._seen[place].items() if now - since >= (window + GRACE).total_seconds()]
        return sum([await self._end(connector, one, unknown[one]) for one in old])

    async def _end(self, connector: Connector, credential_id: UUID, end: End) -> bool:
        try:
            async with asyncio.timeout(LONGEST_LOOK):
                await end()
        except (ProviderError, TimeoutError) as error:
            code = getattr(error, "code", "timeout")
            log.warning("orphan not ended yet", extra={"connector": connector.name, "credential_id": credential_id, "code": code})
            return False
        identifier = revocation_id(credential_id)
        fact = CredentialRevoked(
            id=named("settled", str(identifier), "revoked"), at=self._now(), credential_id=credential_id, revocation_id=identifier
        )
        await self._settlements.found(identifier, credential_id, encode(fact))
        log.warning("orphan ended", extra={"connector": connector.name, "credential_id": credential_id})
        return True
