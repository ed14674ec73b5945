"""/v1/issuers, connectors, installations, links, policies, operators: each kind listed by pages, and each entry read, put and removed by its name."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil_server.runtime.store.database import Pool
from services.gateway import body
from services.gateway.answering import NO_STORE
from services.gateway.kinds import KINDS, Kind, named
from services.gateway.operators import Operators
from services.gateway.paging import MOST, QUERY, cursor, limit, name, resumed
from services.gateway.preconditions import preconditions, quoted
from services.gateway.problems import Problem
from services.gateway.query import flag, parameters
from services.gateway.registering import Registering
from services.gateway.registry_book import Wanted
from services.gateway.registry_read import one, page, shown


@dataclass(frozen=True)
class Entries:
    """One kind's two doors."""

    kind: Kind
    operators: Operators
    db: Pool
    registering: Registering

    async def all(self, request: Request) -> Response:
        """In the order of their names."""
        await self.operators.demand(request, "read_registry")
        found = parameters(request, QUERY)
        most, (after,) = limit(found, MOST), resumed(found, name) or (None,)
        revision, rows = await page(self.db, self.kind.kind, after, most + 1)
        entries = await shown(self.db, [held.entry for held in rows[:most]])
        more = cursor(rows[most - 1].entry.name) if len(rows) > most else None
        return JSONResponse({self.kind.plural: entries, "next": more, "revision": revision}, headers=NO_STORE)

    async def named(self, request: Request) -> Response:
        reading, name = request.method == "GET", str(request.path_params["name"])
        caller = await self.operators.demand(request, "read_registry" if reading else "change_registry", self.kind.connector(name))
        found = parameters(request, () if reading else ("dry_run",))
        if reading:
            return await self._shown(name)
        key, before = (self.kind.kind, name), preconditions(request)
        put = () if request.method == "DELETE" else (named(self.kind, name, await body.json_object(request)),)
        wanted = Wanted(put, () if put else (key,), dry_run=flag(found, "dry_run"), hold=lambda moment: before.hold(moment.tag(key)), one=True)
        return await self.registering.apply(wanted, caller.actor)

    async def _shown(self, name: str) -> Response:
        held = None if "\0" in name else await one(self.db, self.kind.kind, name)
        if held is None:
            raise Problem("not_found", f"there is no such {self.kind.kind}")
        return JSONResponse((await shown(self.db, [held.entry]))[0], headers={**NO_STORE, "ETag": quoted(held.revision)})


def of_every_kind(operators: Operators, db: Pool, registering: Registering) -> Sequence[Entries]:
    return [Entries(kind, operators, db, registering) for kind in KINDS.values()]
