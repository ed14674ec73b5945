"""Root secrets: they arrive sealed to mint, and lie under a data key of their own that the key-encryption key wraps."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

from counterfoil.contracts.registry import Connector
from counterfoil.wire import binding
from counterfoil.wire.sealing import Opener, Unsealable
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import Pool
from services.providers.envelope import Envelope
from services.providers.seam import Unavailable

Place = tuple[str, str]
DEEP = 3
"""So many versions of a field are kept at hand: one that was mistyped may lie between the one that is used and the one that shall be."""
READ = """SELECT field, version, kek_id, wrapped_key, nonce, box FROM root_secret r WHERE connector = $1 AND installation = $2 AND box IS NOT NULL
AND version > (SELECT max(version) - $3 FROM root_secret n WHERE (n.connector, n.installation, n.field) = (r.connector, r.installation, r.field)
    AND n.box IS NOT NULL) ORDER BY field, version DESC"""


class Roots:
    """By connector and installation, the newest versions of each field. `forget` when the registry changes."""

    def __init__(self, db: Pool, envelope: Envelope, opener: Opener | None, bare: Callable[[str], bool]) -> None:
        """`opener` holds mint's own opening key; revoke has none, and waits until mint has taken a secret in. `bare`: providers that need none."""
        self._db, self._envelope, self._opener, self._bare = db, envelope, opener, bare
        self._kept: dict[Place, list[dict[str, Secret]]] = {}
        self._reading = asyncio.Lock()

    async def complete(self) -> None:
        """Raises NoKey where a root secret lies under a key-encryption key that is not here."""
        rows = await self._db.fetch("SELECT DISTINCT kek_id FROM root_secret WHERE kek_id IS NOT NULL")
        self._envelope.demand(frozenset(row["kek_id"] for row in rows))

    def forget(self) -> None:
        self._kept.clear()

    async def sets(self, connector: Connector, installation: str) -> list[dict[str, Secret]]:
        """What was set for the installation, and the connector's own for the rest. The newest first, then what they were before that.

        Raises Unavailable where there is none (yet), or the newest's key-encryption key is not here.
        """
        of_places = [await self._at((connector.name, one)) for one in dict.fromkeys([connector.installation, installation])]
        found = [stacked(one[min(back, len(one) - 1)] for one in of_places if one) for back in range(max(map(len, of_places)))]
        if not found and self._bare(connector.provider):
            return [{}]
        if not found:
            raise Unavailable("no_root_secret", "the connector has no root secret yet")
        return found

    async def _at(self, place: Place) -> list[dict[str, Secret]]:
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

    async def _read(self, place: Place) -> list[dict[str, Secret]]:
        await self.adopt()
        fields: defaultdict[str, list[Secret]] = defaultdict(list)
        for row in await self._db.fetch(READ, *place, DEEP):
            try:
                secret = self._envelope.unwrap(row, binding.root(*place, row["field"], row["version"]))
            except Unavailable:
                if not fields[row["field"]]:
                    raise
                continue  # an old one may go with its key
            fields[row["field"]].append(secret)
        deepest = max(map(len, fields.values()), default=0)
        return [{name: versions[min(back, len(versions) - 1)] for name, versions in fields.items()} for back in range(deepest)]


def stacked(layers: Iterable[dict[str, Secret]]) -> dict[str, Secret]:
    """What is set above hides what lies below."""
    return {name: secret for layer in layers for name, secret in layer.items()}
