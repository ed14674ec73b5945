"""/v1/registry, connectors and links: declared as a whole or one by one, always by the same way in."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil.contracts.registry import Connector, Link
from counterfoil.wire.armor import from_url
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.snapshot import Entry, dumped
from counterfoil_server.runtime.store.database import Pool
from services.gateway import body
from services.gateway.answering import NO_STORE
from services.gateway.operators import Operators
from services.gateway.problems import Problem
from services.gateway.registry_book import Applied, RegistryBook, Sealed, change, connector_rows, connector_shown, entry

MEMBERS = frozenset({"entries", "secrets", "dry_run", "replace"})
SECRET_MEMBERS = frozenset({"connector", "installation", "field", "version", "sealed"})
LARGEST_SECRET, MOST = 64 * 1024, 10_000


class RegistryDoor:
    def __init__(self, operators: Operators, db: Pool, now: Clock) -> None:
        self._operators, self._db, self._book, self._now = operators, db, RegistryBook(db), now

    async def show(self, request: Request) -> Response:
        await self._operators.demand(request, "read_registry")
        revision, found = await self._book.entries()
        return JSONResponse({"revision": revision, "entries": [dumped(one) for _, one in sorted(found.items())]}, headers=NO_STORE)

    async def put(self, request: Request) -> Response:
        caller = await self._operators.demand(request, "change_registry")
        given = await body.json_object(request)
        if given.keys() - MEMBERS:
            raise Problem("malformed_request", f"unknown member; known are {', '.join(sorted(MEMBERS))}")
        entries = [entry(one, f"entries[{place}]") for place, one in enumerate(listed(given, "entries"))]
        secrets = [secret(one, f"secrets[{place}]") for place, one in enumerate(listed(given, "secrets"))]
        dry_run = flag(given, "dry_run")
        applied = await self._book.apply(entries, secrets, caller.actor, self._now(), replace=flag(given, "replace"), dry_run=dry_run)
        return answered(applied, dry_run=dry_run)

    async def connectors(self, request: Request) -> Response:
        await self._operators.demand(request, "read_registry")
        return JSONResponse({"connectors": list((await self._connectors()).values())}, headers=NO_STORE)

    async def links(self, request: Request) -> Response:
        await self._operators.demand(request, "read_registry")
        _, found = await self._book.entries()
        return JSONResponse({"links": [shown(one) for _, one in sorted(found.items()) if isinstance(one, Link)]}, headers=NO_STORE)

    async def connector(self, request: Request) -> Response:
        return await self._one(request, "connector")

    async def link(self, request: Request) -> Response:
        return await self._one(request, "link")

    async def _one(self, request: Request, kind: str) -> Response:
        name = str(request.path_params["name"])
        reading = request.method == "GET"
        caller = await self._operators.demand(request, "read_registry" if reading else "change_registry", name if kind == "connector" else None)
        if reading:
            return JSONResponse(await self._named(kind, name), headers=NO_STORE)
        if request.method == "DELETE":
            await self._named(kind, name)
            return answered(Applied(await self._book.remove(kind, name, caller.actor, self._now()), [change(kind, name, "removed")]))
        found = entry({"kind": kind, **({"name": name} if kind == "connector" else {}), **await body.json_object(request)}, kind)
        if (found.kind, found.name) != (kind, name):
            raise Problem("malformed_request", "the body names another entry than the address")
        return answered(await self._book.apply([found], [], caller.actor, self._now(), replace=False, dry_run=False))

    async def _named(self, kind: str, name: str) -> dict[str, Any]:
        if kind == "connector":
            found = (await self._connectors()).get(name)
        else:
            one = (await self._book.entries())[1].get((kind, name))
            found = None if one is None else shown(one)
        if found is None:
            raise Problem("not_found", f"there is no such {kind}")
        return found

    async def _connectors(self) -> dict[str, dict[str, Any]]:
        _, entries = await self._book.entries()
        rows = await connector_rows(self._db)
        return {
            one.name: connector_shown(one, rows[one.name]) for _, one in sorted(entries.items()) if isinstance(one, Connector) and one.name in rows
        }


def answered(applied: Applied, *, dry_run: bool = False) -> Response:
    return JSONResponse({"revision": applied.revision, "changes": applied.changes, "dry_run": dry_run}, headers=NO_STORE)


def shown(one: Entry) -> dict[str, Any]:
    return {"name": one.name, **dumped(one)}


def listed(given: dict[str, Any], name: str) -> list[Any]:
    found = given.get(name, [])
    if not isinstance(found, list) or len(found) > MOST:
        raise Problem("malformed_request", f"{name} has to be a list of at most {MOST}")
    return found


def flag(given: dict[str, Any], name: str) -> bool:
    found = given.get(name, False)
    if not isinstance(found, bool):
        raise Problem("malformed_request", f"{name} has to be true or false")
    return found


def secret(given: Any, place: str) -> Sealed:
    """The version is part of what the seal is bound to, so who seals has to name it."""
    if not isinstance(given, dict) or given.keys() - SECRET_MEMBERS:
        raise Problem("malformed_request", f"{place}: an object with {', '.join(sorted(SECRET_MEMBERS))}")
    installation = given.get("installation", "default")
    texts = [given.get("connector"), given.get("field"), given.get("sealed"), installation]
    version = given.get("version", 1)
    if not all(isinstance(text, str) and text and "\0" not in text for text in texts) or type(version) is not int or not 1 <= version < 2**31:
        raise Problem("malformed_request", f"{place}: a member is missing or of the wrong type")
    try:
        box = from_url(given["sealed"].encode())
    except ValueError:
        raise Problem("malformed_request", f"{place}: sealed is no base64url") from None
    if len(box) > LARGEST_SECRET:
        raise Problem("malformed_request", f"{place}: sealed has more than {LARGEST_SECRET} bytes")
    return Sealed(given["connector"], installation, given["field"], version, box)
