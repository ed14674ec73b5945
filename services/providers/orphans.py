"""What lives at a provider and stands in no ledger. While a ledger lasts there is none: an intent is durable before the provider hears of it.

After a restore to an earlier point it is whatever was lent since. What is unknown here may be another ledger's: nothing of it is ended unasked,
but where a connector says that nobody else lends there (`sole`), and has been unknown for longer than a request can be on its way.
"""

import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from counterfoil.contracts.registry import Connector
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.service import database
from counterfoil_server.runtime.settings import Settings
from counterfoil_server.runtime.store.database import Pool
from services.providers.abilities import Lists
from services.providers.envelope import Envelope
from services.providers.roots import Roots
from services.providers.rotation import Rotation
from services.providers.seam import Handle, Provider, ProviderError, Revocation
from services.providers.shelf import Shelf

CANNOT_LIST = "it cannot list what it lent"
LEFT = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """One credential, or a whole place that cannot be looked into."""

    connector: str
    installation: str
    credential_id: UUID | None
    word: str

    @property
    def left(self) -> bool:
        return self.word != "ended"

    def __str__(self) -> str:
        return f"{self.connector} {self.installation} {self.credential_id or '-'} {self.word}"


class Orphans:
    def __init__(self, db: Pool, shelf: Shelf, roots: Rotation, registry: Registry) -> None:
        self._db, self._shelf, self._roots, self._registry = db, shelf, roots, registry

    async def search(self, *, end: bool) -> list[Seen]:
        return [seen for connector, installation in self._places() for seen in await self._at(connector, installation, end=end)]

    def _places(self) -> Iterator[tuple[Connector, str]]:
        snapshot = self._registry.snapshot
        for connector in snapshot.connectors.values():
            for installation in dict.fromkeys([connector.installation, *snapshot.installations.get(connector.name, ())]):
                yield connector, installation

    def sole(self) -> list[tuple[Connector, str]]:
        """Places of which the ledger knows all there may be."""
        return [place for place in self._places() if self._may_end(*place)]

    def _may_end(self, connector: Connector, installation: str) -> bool:
        provider = self._shelf.provider(connector.provider)
        return isinstance(provider, Lists) and provider.sole(self._registry.snapshot.config(connector, installation))

    async def unknown(self, connector: Connector, installation: str) -> tuple[timedelta, Mapping[UUID, Callable[[], Awaitable[object]]]]:
        """How long a request can be on its way there; and of each that the ledger lacks, how it is ended. Raises ProviderError."""
        provider = self._shelf.provider(connector.provider)
        if provider is None:
            return timedelta(), {}
        found = await self._unknown(await self._alive(provider, connector, installation))
        return provider.window, {one: partial(self._end, provider, connector, installation, handle) for one, handle in found.items()}

    async def _alive(self, provider: Provider, connector: Connector, installation: str) -> Mapping[UUID, Handle]:
        config = self._registry.snapshot.config(connector, installation)
        return await self._roots.done(connector, installation, partial(provider.alive, config))

    async def _end(self, provider: Provider, connector: Connector, installation: str, handle: Handle) -> object:
        config = self._registry.snapshot.config(connector, installation)
        return await self._roots.done(connector, installation, lambda root: provider.revoke(handle, config, root, None))

    async def _at(self, connector: Connector, installation: str, *, end: bool) -> list[Seen]:
        def seen(word: str, credential_id: UUID | None = None) -> Seen:
            return Seen(connector.name, installation, credential_id, word)

        provider = self._shelf.provider(connector.provider)
        if provider is None or provider.revocation is not Revocation.BY_NAME:
            return [seen(CANNOT_LIST)]
        try:
            unknown = await self._unknown(await self._alive(provider, connector, installation))
        except ProviderError as error:
            return [seen(error.code)]

        async def ended(provider: Provider, handle: Handle) -> str:
            try:
                await self._end(provider, connector, installation, handle)
            except ProviderError as error:
                return error.code
            return "ended"

        return [seen(await ended(provider, handle) if end else "alive", identifier) for identifier, handle in unknown.items()]

    async def _unknown(self, alive: Mapping[UUID, Handle]) -> Mapping[UUID, Handle]:
        """The provider was asked first: whatever this ledger lends is in it before it is there."""
        rows = await self._db.fetch("SELECT credential_id FROM mint WHERE credential_id = ANY($1::uuid[])", list(alive))
        known = {row["credential_id"] for row in rows}
        return {identifier: handle for identifier, handle in alive.items() if identifier not in known}


async def run(settings: Settings, shelf: Shelf, *, end: bool) -> int:
    """As the role `revoke`, once. Prints a line each; the exit code is 0 where nothing is left."""
    db = await database(settings, "orphans")
    try:
        roots, registry = Roots(db, Envelope(settings.keys), None, shelf.bare), Registry(db, settings.database)
        await roots.complete()
        await registry.load()
        found = await Orphans(db, shelf, Rotation(roots), registry).search(end=end)
    finally:
        await shelf.close()
        await db.close()
    sys.stdout.writelines(f"{one}\n" for one in found)
    return LEFT if any(one.left for one in found) else 0
