"""GET /v1/audit/checkpoint and /v1/audit/proof/...: what the log promises, and the two proofs that it keeps to it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from counterfoil.wire.armor import to_b64
from counterfoil.wire.receipt import write_proof
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.store.tiles import Tiles
from services.gateway.answering import NO_STORE
from services.gateway.operators import Operators
from services.gateway.problems import Problem
from services.gateway.query import needed, parameters, whole
from services.gateway.v1_audit_head import LARGEST, SHORTLY, made, published


class ProofDoor:
    def __init__(self, operators: Operators, db: Pool) -> None:
        self._operators, self._db, self._tiles = operators, db, Tiles(db)

    async def checkpoint(self, request: Request) -> Response:
        """For everybody: each receipt shows one."""
        parameters(request, ())
        return PlainTextResponse((await published(self._db)).checkpoint, headers=SHORTLY)

    async def inclusion(self, request: Request) -> Response:
        """Of one leaf, in the published checkpoint, or in a tree of `size` whose checkpoint the caller has."""
        await self._operators.demand(request, "read_audit")
        found = parameters(request, ("index", "size"))
        index, head = needed(found, "index", LARGEST), await published(self._db)
        size = whole(found, "size", head.size, LARGEST)
        head.covers(size, "size")
        if index >= size:
            raise Problem("beyond_log", f"index: a tree of {size} leaves has none of that index")
        leaf: bytes = await self._db.fetchval("SELECT bytes FROM audit_leaf WHERE idx = $1", index)
        path = await made(self._tiles.inclusion(index, size))
        said: dict[str, Any] = {"index": index, "size": size, "leaf": leaf.decode(), "path": [to_b64(step) for step in path]}
        if "size" not in found:
            said |= {"checkpoint": head.checkpoint, "proof": write_proof(index, path, head.checkpoint)}
        return JSONResponse(said, headers=NO_STORE)

    async def consistency(self, request: Request) -> Response:
        """That a tree of `from` leaves is the beginning of one of `to`. Hashes only, so it is for everybody."""
        found = parameters(request, ("from", "to"))
        old, head = needed(found, "from", LARGEST), await published(self._db)
        new = whole(found, "to", head.size, LARGEST)
        head.covers(new, "to")
        if old > new:
            raise Problem("beyond_log", f"from: a tree of {new} leaves does not begin with {old}")
        path = await made(self._tiles.consistency(old, new))
        said = {"from": old, "to": new, "path": [to_b64(step) for step in path], "checkpoint": head.checkpoint if new == head.size else None}
        return JSONResponse(said, headers=NO_STORE)
