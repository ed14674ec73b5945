"""The providers, as two processes with keys, database roles and Kafka principals of their own: `mint` and `revoke`."""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial

from counterfoil.wire.signing import Checker
from counterfoil_server.runtime.loops import forever
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.service import Runtime, Wiring, serve
from counterfoil_server.runtime.settings import Settings
from counterfoil_server.runtime.starting import told
from services.providers import mint_handlers, orphans, revoke_handlers
from services.providers.ages import ages
from services.providers.boxes import Boxes
from services.providers.calls import Means
from services.providers.codes import Codes
from services.providers.consent_places import Places
from services.providers.consents import Consenting
from services.providers.ends import Ends
from services.providers.envelope import Envelope
from services.providers.evidence import Checks
from services.providers.grant_ends import GrantEnds
from services.providers.grants import Grants
from services.providers.ledger import Ledger
from services.providers.orphan_sweep import OrphanSweep
from services.providers.polling import Polling
from services.providers.roots import Roots
from services.providers.rotation import Rotation
from services.providers.seam import Provider, ProviderError
from services.providers.settlements import Settlements
from services.providers.shelf import Shelf
from services.providers.shutters import Shutters

log = logging.getLogger("counterfoil.providers")


async def wire_mint(shelf: Shelf, runtime: Runtime) -> Wiring:
    registry = Registry(runtime.db, runtime.settings.database)
    await registry.load()
    envelope = Envelope(runtime.settings.keys)
    roots, grants = Roots(runtime.db, envelope, runtime.keys.opener, shelf.bare), Grants(runtime.db, envelope)
    await roots.complete()
    rotation = Rotation(roots)
    checks = Checks(Checker(runtime.keys.public), registry, shelf)
    codes = Codes(runtime.db, envelope)
    consenting = Consenting(runtime.db, grants, codes, shelf, rotation, registry, runtime.keys.opener, runtime.now)
    boxes = Boxes(runtime.keys, runtime.now)
    return Wiring(
        mint_handlers.routes(checks, Ledger(runtime.db), Means(rotation, grants), boxes, runtime.now, consenting),
        [
            registry.run(),
            adopt(roots, registry),
            Places(runtime.db, shelf, registry).run(),
            Polling(codes, consenting).run(partial(mint_handlers.say, runtime.emit)),
            ages(runtime.db, runtime.telemetry.meter),
        ],
        [shelf.close],
    )


async def wire_revoke(shelf: Shelf, runtime: Runtime) -> Wiring:
    registry = Registry(runtime.db, runtime.settings.database)
    await registry.load()
    settlements = Settlements(runtime.db)
    envelope = Envelope(runtime.settings.keys)
    roots = Roots(runtime.db, envelope, None, shelf.bare)
    await roots.complete()
    rotation = Rotation(roots)
    ends = Ends(shelf, rotation, registry, runtime.keys.opener, settlements, runtime.now)
    worker, shutters = revoke_handlers.Worker(ends, settlements), Shutters(runtime.db, shelf, rotation, registry)
    orphaned = OrphanSweep(orphans.Orphans(runtime.db, shelf, rotation, registry), settlements, runtime.now)
    return Wiring(
        revoke_handlers.routes(worker),
        [
            registry.run(),
            worker.run(runtime.emit),
            adopt(roots, registry),
            sweep(shelf, rotation, registry),
            shutters.run(),
            orphaned.run(),
            GrantEnds(runtime.db, envelope, shelf, rotation, registry).run(),
        ],
        [shelf.close],
    )


async def adopt(roots: Roots, registry: Registry, every: float = 0.5) -> None:
    """Root secrets that arrived are taken in, and changed ones noticed, without waiting for a request."""
    seen = -1

    async def turn(number: int) -> None:
        nonlocal seen
        if registry.snapshot.revision != seen or number % 10 == 0:
            roots.forget()
            await roots.adopt()
            seen = registry.snapshot.revision

    await forever("root secrets", turn, every)


async def sweep(shelf: Shelf, rotation: Rotation, registry: Registry, every: float = 60.0) -> None:
    """What minting leaves behind beside credentials goes, a connector at a time. One that cannot be reached now is swept later."""

    async def turn(_: int) -> None:
        for connector in registry.snapshot.connectors.values():
            provider = shelf.provider(connector.provider)
            if provider is None:
                continue
            try:
                await rotation.done(connector, connector.installation, partial(provider.sweep, connector.config))
            except ProviderError as error:
                log.info("not swept", extra={"connector": connector.name, "code": error.code})

    await forever("providers", turn, every)


def run(argv: Sequence[str], extra: Mapping[str, Provider] | None = None) -> None:
    """`extra`: providers that are in no catalog."""
    which = {"mint": wire_mint, "revoke": wire_revoke}
    if tuple(argv[1:]) in {("orphans",), ("orphans", "end")}:
        with told("orphans"):
            sys.exit(asyncio.run(orphans.run(Settings.read(os.environ), Shelf(extra), end=argv[-1] == "end")))
    if len(argv) != 2 or argv[1] not in which:
        sys.exit("usage: python -m services.providers.app mint|revoke|orphans [end]")
    with told(argv[1]):
        asyncio.run(serve(Settings.read(os.environ), argv[1], partial(which[argv[1]], Shelf(extra))))


if __name__ == "__main__":
    run(sys.argv)
