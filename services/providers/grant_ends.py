"""Grants that their person, or an operator, has ended: at the provider first, which as a rule ends all that was lent under it; then that, too."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from counterfoil.wire import binding
from counterfoil_server.domain.revocation import wait
from counterfoil_server.runtime.loops import forever
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.store.database import Pool
from services.providers.consenting import Consents, LeavesWith
from services.providers.ends import LONGEST_CALL
from services.providers.envelope import Envelope
from services.providers.grants import DESTROYED, beside
from services.providers.ledger_rows import end
from services.providers.rotation import Rotation
from services.providers.seam import Irrevocable, ProviderError, Refused, Root
from services.providers.shelf import Shelf

log = logging.getLogger("counterfoil.revoke")
DUE = """SELECT * FROM user_grant WHERE state = 'ending' AND next_at <= clock_timestamp() AND (turn IS NULL OR turn_until < clock_timestamp())
ORDER BY next_at LIMIT 50"""
LENT = """SELECT credential_id FROM mint WHERE connector = $1 AND installation = $2 AND project = $3 AND environment = $4 AND user_digest = $5
AND state IN ('minting', 'active')"""
OVER = f"""UPDATE user_grant SET state = 'ended', turn = NULL, last_error = $2, {DESTROYED}
WHERE grant_id = $1 AND state = 'ending'"""  # noqa: S608 - words of ours
LATER = "UPDATE user_grant SET next_at = clock_timestamp() + $2::interval, last_error = $3 WHERE grant_id = $1 AND state = 'ending'"
WHOSE = ("connector", "installation", "project", "environment", "user_digest")


class GrantEnds:
    def __init__(self, db: Pool, envelope: Envelope, shelf: Shelf, roots: Rotation, registry: Registry) -> None:
        self._db, self._envelope, self._shelf, self._roots, self._registry = db, envelope, shelf, roots, registry
        self._tries: dict[Any, int] = {}

    async def run(self, every: float = 0.5) -> None:
        async def turn(_: int) -> None:
            await self.turn()

        await forever("grants", turn, every)

    async def turn(self) -> None:
        await asyncio.gather(*(self._one(row) for row in await self._db.fetch(DUE)))

    async def _one(self, row: Mapping[str, Any]) -> None:
        given_up = None
        try:
            async with asyncio.timeout(LONGEST_CALL):
                await self._leave(row)
        except (Refused, Irrevocable) as error:
            given_up = error.code
        except (ProviderError, TimeoutError) as error:
            tried = self._tries[row["grant_id"]] = self._tries.get(row["grant_id"], 0) + 1
            code = getattr(error, "code", "timeout")
            await self._db.execute(LATER, row["grant_id"], max(wait(tried), timedelta(seconds=1)), code)
            log.warning("grant not ended yet", extra={"connector": row["connector"], "code": code})
            return
        async with self._db.acquire() as db, db.transaction():
            if lent := await db.fetch(LENT, *(row[name] for name in WHOSE)):
                await end(db, [one["credential_id"] for one in lent], "requested")
            await db.execute(OVER, row["grant_id"], given_up)
        self._tries.pop(row["grant_id"], None)

    async def _leave(self, row: Mapping[str, Any]) -> None:
        snapshot = self._registry.snapshot
        connector = snapshot.connectors.get(row["connector"])
        provider = self._shelf.provider(connector.provider) if connector else None
        if connector is None or not isinstance(provider, Consents):
            raise Refused("unknown_connector", "it was removed: nobody knows any more where the grant could be ended")
        refresh = self._envelope.unwrap(row, binding.grant(row["grant_id"], row["version"]))
        config, kept = snapshot.config(connector, row["installation"]), beside(self._envelope, row)

        async def leave(root: Root) -> None:
            if isinstance(provider, LeavesWith):
                await provider.leave_with(refresh, kept, config, root)
            else:
                await provider.leave(refresh, config, root)

        await self._roots.on_behalf(provider, connector, row["installation"], leave)
