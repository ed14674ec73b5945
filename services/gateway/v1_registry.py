"""/v1/registry: all of it at once. What GET gives is what POST reads, so an export can be applied elsewhere. Root secrets only go in."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil_server.runtime.snapshot import dumped
from counterfoil_server.runtime.store.database import Pool
from services.gateway import body
from services.gateway.answering import NO_STORE
from services.gateway.kinds import entry
from services.gateway.operators import Operators
from services.gateway.preconditions import preconditions, quoted
from services.gateway.problems import Problem
from services.gateway.query import flag, parameters
from services.gateway.registering import Registering
from services.gateway.registry_book import Wanted
from services.gateway.registry_read import everything
from services.gateway.sealed_secrets import secret

MEMBERS = frozenset({"entries", "secrets", "dry_run", "replace"})
MOST = 10_000


class RegistryDoor:
    def __init__(self, operators: Operators, db: Pool, registering: Registering) -> None:
        self._operators, self._db, self._registering = operators, db, registering

    async def show(self, request: Request) -> Response:
        await self._operators.demand(request, "read_registry")
        parameters(request, ())
        found = await everything(self._db)
        entries = [dumped(held.entry) for _, held in sorted(found.held.items())]
        return JSONResponse({"revision": found.revision, "entries": entries}, headers={**NO_STORE, "ETag": quoted(found.revision)})

    async def put(self, request: Request) -> Response:
        caller = await self._operators.demand(request, "change_registry")
        dry_run, before = flag(parameters(request, ("dry_run",)), "dry_run"), preconditions(request)
        if before.only_new:
            raise Problem("malformed_request", "the registry is there already: If-Match has its ETag, or is left out")
        given = await body.json_object(request)
        if given.keys() - MEMBERS:
            raise Problem("malformed_request", f"unknown member; known are {', '.join(sorted(MEMBERS))}")
        entries = [entry(one, f"entries[{place}]") for place, one in enumerate(listed(given, "entries"))]
        secrets = [secret(one, f"secrets[{place}]") for place, one in enumerate(listed(given, "secrets"))]
        wanted = Wanted(
            entries, (), secrets, replace=said(given, "replace"), dry_run=dry_run or said(given, "dry_run"),
            hold=lambda moment: before.hold(str(moment.revision)),
        )  # fmt: skip
        return await self._registering.apply(wanted, caller.actor)


def listed(given: dict[str, Any], name: str) -> list[Any]:
    found = given.get(name, [])
    if not isinstance(found, list) or len(found) > MOST:
        raise Problem("malformed_request", f"{name} has to be a list of at most {MOST}")
    return found


def said(given: dict[str, Any], name: str) -> bool:
    found = given.get(name, False)
    if not isinstance(found, bool):
        raise Problem("malformed_request", f"{name} has to be true or false")
    return found
