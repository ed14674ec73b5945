"""What both ways to change the registry do around the book: policies are read beforehand, and the answer says what became of it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.responses import JSONResponse, Response

from counterfoil.contracts.registry import Issuer, Policy
from counterfoil.contracts.revocation_requested import Actor
from counterfoil_server.domain import identity
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.snapshot import Entry
from services.gateway.answering import NO_STORE
from services.gateway.lint import Lint, lint
from services.gateway.preconditions import quoted
from services.gateway.problems import Problem
from services.gateway.registry_book import Applied, RegistryBook, Wanted


class Registering:
    def __init__(self, book: RegistryBook, registry: Registry, now: Clock) -> None:
        self._book, self._registry, self._now = book, registry, now

    async def apply(self, wanted: Wanted, actor: Actor) -> Response:
        warnings = await self._linted(wanted.puts)
        applied = await self._book.apply(wanted, actor, self._now())
        said = {"revision": applied.revision, "changes": applied.changes, "dry_run": wanted.dry_run}
        return JSONResponse(said | ({"warnings": warnings} if warnings else {}), headers=NO_STORE | tagged(applied, wanted))

    async def lint(self, text: str, beside: Sequence[Entry] = ()) -> Lint:
        """Cedar's validator takes its time, and nobody else shall wait for it."""
        issuers = [*self._registry.snapshot.issuers.values(), *(one for one in beside if isinstance(one, Issuer))]
        recorded = frozenset().union(*(identity.reads(one) for one in issuers))
        return await asyncio.to_thread(lint, text, recorded)

    async def _linted(self, puts: Sequence[Entry]) -> list[dict[str, Any]]:
        """What might go wrong with the policies among them. Raises Problem for what is wrong. One that is there already was looked at before."""
        known, warnings = self._registry.snapshot.policies, []
        for one in puts:
            if isinstance(one, Policy) and known.get(one.name) != one:
                found = await self.lint(one.cedar, puts)
                if found.errors:
                    first, errors = found.errors[0], [error.shown() for error in found.errors]
                    raise Problem("bad_change", f"policy {one.name}: line {first.line}: {first.message}", extra={"errors": errors})
                warnings += [{"policy": one.name, **warning.shown()} for warning in found.warnings]
        return warnings


def tagged(applied: Applied, wanted: Wanted) -> dict[str, str]:
    """The entity tag of what was put: of the one entry at its own address, else of the registry. What was not done has none."""
    if wanted.dry_run:
        return {}
    if len(wanted.keys) == 1 and wanted.one:
        return {"ETag": quoted(tag)} if (tag := applied.tags.get(wanted.keys[0])) is not None else {}
    return {"ETag": quoted(applied.revision)}
