"""GET /v1/audit/leaves: the log as it was appended, with its signed head. Whoever reads can check it without us."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil_server.runtime.store.database import Pool
from services.gateway.answering import NO_STORE
from services.gateway.operators import Operators
from services.gateway.query import MOST, USUAL, parameters, whole

LARGEST = 2**62


class AuditDoor:
    def __init__(self, operators: Operators, db: Pool) -> None:
        self._operators, self._db = operators, db

    async def leaves(self, request: Request) -> Response:
        """Those after `after`, in their order; without it the last ones."""
        found = parameters(request, ("after", "limit"))
        await self._operators.demand(request, "read_audit")
        limit = whole(found, "limit", USUAL, MOST)
        # The head first: a leaf beyond it may be there already, and has no proof yet that the caller could ask for.
        head = await self._db.fetchrow("SELECT size, checkpoint FROM audit_head")
        size = head["size"] if head else 0
        start = whole(found, "after", 0, LARGEST) + 1 if "after" in found else max(0, size - limit)
        rows = await self._db.fetch("SELECT idx, bytes FROM audit_leaf WHERE idx >= $1 AND idx < $2 ORDER BY idx LIMIT $3", start, size, limit)
        leaves = [{"index": row["idx"], "leaf": row["bytes"].decode()} for row in rows]
        return JSONResponse({"leaves": leaves, "size": size, "checkpoint": head["checkpoint"] if head else None}, headers=NO_STORE)
