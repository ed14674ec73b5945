"""Root secrets: they arrive sealed to mint, and lie under a data key of their own that the key-encryption key wraps."""

import asyncio

from counterfoil.contracts.registry import Connector
from counterfoil.wire import binding
from counterfoil.wire.sealing import Opener, Unsealable
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import Pool
from services.providers.consenting import Pastes
from services.providers.envelope import Envelope
from services.providers.seam import Unavailable

Place = tuple[str, str]


class Roots:
    """By connector and installation, the newest version of each field. `forget` when the registry changes."""

    def __init__(self, db: Pool, envelope: Envelope, opener: Opener | None) -> None:
        """`opener` holds mint's own opening key; revoke has none, and waits until mint has taken a secret in."""
        self._db, self._envelope, self._opener = db, envelope, opener
        self._kept: dict[Place, dict[str, Secret]] = {}
        self._reading = asyncio.Lock()

    async def complete(self) -> None:
        """Raises NoKey where a root secret lies under a key-encryption key that is not here."""
        rows = await self._db.fetch("SELECT DISTINCT kek_id FROM root_secret WHERE kek_id IS NOT NULL")
        self._envelope.demand(frozenset(row["kek_id"] for row in rows))

    def forget(self) -> None:
        self._kept.clear()

    async def of(self, connector: Connector, installation: str) -> dict[str, Secret]:
        """What was set for the installation, and the connector's own for the rest.

        Raises Unavailable where there is none (yet), or its key-encryption key is not here.
        """
        found: dict[str, Secret] = {}
        for one in dict.fromkeys([connector.installation, installation]):
            found |= await self._at((connector.name, one))
        if not found:
            raise Unavailable("no_root_secret", "the connector has no root secret yet")
        return found

    async def on_behalf(self, provider: object, connector: Connector, installation: str) -> dict[str, Secret]:
        """For what is lent on behalf of a person: where that is a key of theirs, there need be none."""
        return {} if isinstance(provider, Pastes) else await self.of(connector, installation)

    async def _at(self, place: Place) -> dict[str, Secret]:
        if place in self._kept:
            return self._kept[place]
        async with self._reading:  # a whole batch asks at once, and one reading serves them all
            if place in self._kept:
                return self._kept[place]
            found = await self._read(place)
            if found or self._opener:  # revoke cannot tell "none" from "not taken in yet": it looks again
                self._kept[place] = found
            return found

    async def adopt(self) -> int:
        """Take in what arrived sealed. Only mint can."""
        if self._opener is None:
            return 0
        rows = await self._db.fetch("SELECT connector, installation, field, version, sealed FROM root_secret WHERE sealed IS NOT NULL")
        for row in rows:
            info = binding.root(row["connector"], row["installation"], row["field"], row["version"])
            try:
                secret = self._opener.open(row["sealed"], info)
            except Unsealable:
                continue  # sealed to no key of ours, or to another place: it stays where it is and opens nothing
            kept = self._envelope.wrap(secret, info)
            await self._db.execute(
                "UPDATE root_secret SET sealed = NULL, kek_id = $5, wrapped_key = $6, nonce = $7, box = $8 "
                "WHERE connector = $1 AND installation = $2 AND field = $3 AND version = $4 AND sealed IS NOT NULL",
                row["connector"],
                row["installation"],
                row["field"],
                row["version"],
                kept.kek_id,
                kept.wrapped_key,
                kept.nonce,
                kept.box,
            )
            self._kept.pop((row["connector"], row["installation"]), None)
        return len(rows)

    async def _read(self, place: Place) -> dict[str, Secret]:
        await self.adopt()
        rows = await self._db.fetch(
            "SELECT DISTINCT ON (field) field, version, kek_id, wrapped_key, nonce, box FROM root_secret "
            "WHERE connector = $1 AND installation = $2 AND box IS NOT NULL ORDER BY field, version DESC",
            *place,
        )
        return {row["field"]: self._envelope.unwrap(row, binding.root(*place, row["field"], row["version"])) for row in rows}
