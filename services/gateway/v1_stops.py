"""Fences and blocks, lifted again: each a change of the registry."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.store import registry_rows
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.store.registry_rows import Unblock, Unfence
from services.gateway.answering import NO_STORE
from services.gateway.operators import Operators
from services.gateway.problems import Problem
from services.gateway.query import uuid

STANDING = """SELECT id, connector, project, environment, issuer, sub_hash, since, until FROM block
    WHERE lifted_at IS NULL AND (until IS NULL OR until > clock_timestamp()) ORDER BY since, id"""


class Stops:
    def __init__(self, operators: Operators, db: Pool, now: Clock) -> None:
        self._operators, self._db, self._now = operators, db, now

    async def unfence(self, request: Request) -> Response:
        name = request.path_params["name"]
        caller = await self._operators.demand(request, "lift", name)
        row = await self._db.fetchrow(
            "SELECT c.state, e.name FROM connector c LEFT JOIN registry_entry e ON e.kind = 'connector' AND e.name = c.name WHERE c.name = $1", name
        )
        if row is None:
            raise Problem("not_found", "there is no such connector")
        if row["name"] is None:
            raise Problem("conflict", "the connector was removed from the registry: put it there again")
        revision = await registry_rows.change(self._db, [Unfence(name)], caller.actor, self._now())
        return JSONResponse({"revision": revision, "name": name, "state": "active"}, headers=NO_STORE)

    async def blocks(self, request: Request) -> Response:
        await self._operators.demand(request, "read_registry")
        rows = [dict(row) for row in await self._db.fetch(STANDING)]
        found = [{name: str(value) if isinstance(value, UUID) else value if isinstance(value, str) else value.isoformat()
                  for name, value in row.items() if value is not None} for row in rows]  # fmt: skip
        return JSONResponse({"blocks": found}, headers=NO_STORE)

    async def unblock(self, request: Request) -> Response:
        caller = await self._operators.demand(request, "lift")
        block = uuid(request.path_params["id"])
        if not await self._db.fetchval("SELECT true FROM block WHERE id = $1 AND lifted_at IS NULL", block):
            raise Problem("not_found", "there is no such block, or it was lifted before")
        revision = await registry_rows.change(self._db, [Unblock(block)], caller.actor, self._now())
        return JSONResponse({"revision": revision, "id": str(block), "lifted": True}, headers=NO_STORE)
