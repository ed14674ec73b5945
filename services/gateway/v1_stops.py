"""Fences and blocks, seen and lifted again: each a change of the registry."""

import hashlib
import json
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.store import locks, registry_rows
from counterfoil_server.runtime.store.database import Connection, Pool
from counterfoil_server.runtime.store.registry_rows import Unblock, Unfence
from services.gateway.answering import NO_STORE
from services.gateway.operators import Operators
from services.gateway.paging import QUERY, cursor, limit, moment, resumed
from services.gateway.preconditions import preconditions, quoted
from services.gateway.problems import Problem
from services.gateway.query import flag, parameters, uuid
from services.gateway.registry_book import changing

STANDING = """SELECT id, connector, project, environment, issuer, sub_hash, since, until FROM block
    WHERE lifted_at IS NULL AND (until IS NULL OR until > clock_timestamp())"""
PAGE = f"{STANDING} AND ($1::timestamptz IS NULL OR (since, id) > ($1, $2::uuid)) ORDER BY since, id LIMIT $3"
ONE = f"{STANDING} AND id = $1"
CONNECTOR = """SELECT c.state, e.revision FROM connector c LEFT JOIN registry_entry e ON e.kind = 'connector' AND e.name = c.name
    WHERE c.name = $1"""


class Stops:
    def __init__(self, operators: Operators, db: Pool, now: Clock) -> None:
        self._operators, self._db, self._now = operators, db, now

    async def unfence(self, request: Request) -> Response:
        name = request.path_params["name"]
        caller = await self._operators.demand(request, "lift", name)
        dry_run, before = flag(parameters(request, ("dry_run",)), "dry_run"), preconditions(request)
        async with changing(self._db, dry_run=dry_run) as db:
            await locks.registry(db)
            row = None if "\0" in name else await db.fetchrow(CONNECTOR, name)
            if row is None:
                raise Problem("not_found", "there is no such connector")
            if row["revision"] is None:
                raise Problem("conflict", "the connector was removed from the registry", fix="Put it there again: that makes it active.")
            before.hold(str(row["revision"]))
            revision = await registry_rows.apply(db, [Unfence(name)], caller.actor, self._now())
        return JSONResponse({"revision": revision, "name": name, "state": "active", "dry_run": dry_run}, headers=NO_STORE)

    async def blocks(self, request: Request) -> Response:
        """The oldest first."""
        await self._operators.demand(request, "read_registry")
        found = parameters(request, QUERY)
        most, (since, last) = limit(found), resumed(found, moment, UUID) or (None, None)
        rows = await self._db.fetch(PAGE, since, last, most + 1)
        more = cursor(rows[most - 1]["since"], str(rows[most - 1]["id"])) if len(rows) > most else None
        return JSONResponse({"blocks": [shown(row) for row in rows[:most]], "next": more}, headers=NO_STORE)

    async def block(self, request: Request) -> Response:
        if request.method == "DELETE":
            return await self._unblock(request)
        await self._operators.demand(request, "read_registry")
        parameters(request, ())
        found = await standing(self._db, uuid(request.path_params["id"]))
        return JSONResponse(found, headers={**NO_STORE, "ETag": quoted(tag(found))})

    async def _unblock(self, request: Request) -> Response:
        caller = await self._operators.demand(request, "lift")
        dry_run, before = flag(parameters(request, ("dry_run",)), "dry_run"), preconditions(request)
        block = uuid(request.path_params["id"])
        async with changing(self._db, dry_run=dry_run) as db:
            await locks.registry(db)
            before.hold(tag(await standing(db, block)))
            revision = await registry_rows.apply(db, [Unblock(block)], caller.actor, self._now())
        return JSONResponse({"revision": revision, "id": str(block), "lifted": True, "dry_run": dry_run}, headers=NO_STORE)


async def standing(db: Pool | Connection, block: UUID) -> dict[str, Any]:
    row = await db.fetchrow(ONE, block)
    if row is None:
        raise Problem("not_found", "there is no such block, or it was lifted before")
    return shown(row)


def shown(row: Any) -> dict[str, Any]:
    """Without what it does not name."""
    told = {name: value if isinstance(value, str) else value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
    return {name: str(value) for name, value in told.items() if value is not None}


def tag(found: dict[str, Any]) -> str:
    """A block is never changed, only lifted."""
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]
