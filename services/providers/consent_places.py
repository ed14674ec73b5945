"""Where each connector sends people to agree: found out by mint, which knows its providers, and read by the gateway, which sends them."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from counterfoil.contracts.registry import Connector
from counterfoil_server.runtime.loops import forever
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.store.database import Pool
from services.providers.consenting import Consents
from services.providers.seam import ProviderError
from services.providers.shelf import Shelf

log = logging.getLogger("counterfoil.providers")
EVERY = 0.5
ANEW = 600
"""Turns after which places are found out again, though the registry has not changed: metadata may."""
PUT = """INSERT INTO consent_place (connector, installation, url, issuer, says_issuer, parameters, way) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (connector, installation) DO UPDATE
SET url = excluded.url, issuer = excluded.issuer, says_issuer = excluded.says_issuer, parameters = excluded.parameters, way = excluded.way"""
GONE = """DELETE FROM consent_place p
WHERE NOT EXISTS (SELECT FROM unnest($1::text[], $2::text[]) AS u(c, i) WHERE (c, i) = (p.connector, p.installation))"""


class Places:
    def __init__(self, db: Pool, shelf: Shelf, registry: Registry) -> None:
        self._db, self._shelf, self._registry, self._seen = db, shelf, registry, -1

    async def run(self) -> None:
        await forever("consent places", self.turn, EVERY)

    async def turn(self, number: int = 0) -> None:
        revision = self._registry.snapshot.revision
        if revision == self._seen and number % ANEW:
            return
        known = {(connector.name, installation): (provider, config) for connector, installation, provider, config in self._asking()}
        await self._db.execute(GONE, [name for name, _ in known], [installation for _, installation in known])
        missed = [place for place, (provider, config) in known.items() if not await self._put(place, provider, config)]
        if not missed:
            self._seen = revision

    def _asking(self) -> Iterator[tuple[Connector, str, Consents, Mapping[str, Any]]]:
        snapshot = self._registry.snapshot
        for connector in snapshot.connectors.values():
            provider = self._shelf.provider(connector.provider)
            if not isinstance(provider, Consents):
                continue
            for installation in dict.fromkeys([connector.installation, *snapshot.installations.get(connector.name, ())]):
                config = snapshot.config(connector, installation)
                try:
                    if provider.asks(config):
                        yield connector, installation, provider, config
                except ProviderError:
                    continue  # a config that the adapter does not take: every mint says so

    async def _put(self, place: tuple[str, str], provider: Consents, config: Mapping[str, Any]) -> bool:
        try:
            found = await provider.place(config)
        except ProviderError as error:
            log.warning("nowhere to send people", extra={"connector": place[0], "code": error.code})
            return False
        await self._db.execute(PUT, *place, found.url, found.issuer, found.says_issuer, dict(found.parameters), found.way)
        return True
