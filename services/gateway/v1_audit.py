"""GET /v1/audit/leaves: the log as it was appended, with its signed head. Whoever reads can check it without us."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil_server.runtime.store.database import Pool
from services.gateway.answering import NO_STORE
from services.gateway.operators import Operators
from services.gateway.paging import QUERY, cursor, limit, number, resumed
from services.gateway.query import parameters, whole

LARGEST = 2**53


class AuditDoor:
    def __init__(self, operators: Operators, db: Pool) -> None:
        self._operators, self._db = operators, db

    async def leaves(self, request: Request) -> Response:
        """Those from `from` on, or after `after`, in their order; with neither the last ones."""
        await self._operators.demand(request, "read_audit")
        found = parameters(request, ("from", "after", *QUERY))
        most = limit(found)
        # The head first: a leaf beyond it may be there already, and has no proof yet that the caller could ask for.
        head = await self._db.fetchrow("SELECT size, checkpoint FROM audit_head")
        size = head["size"] if head else 0
        start = first(found, max(0, size - most))
        rows = await self._db.fetch("SELECT idx, bytes FROM audit_leaf WHERE idx >= $1 AND idx < $2 ORDER BY idx LIMIT $3", start, size, most)
        leaves = [{"index": row["idx"], "leaf": row["bytes"].decode()} for row in rows]
        more = cursor(leaves[-1]["index"]) if leaves and leaves[-1]["index"] + 1 < size else None
        said = {"leaves": leaves, "next": more, "size": size, "checkpoint": head["checkpoint"] if head else None}
        return JSONResponse(said, headers=NO_STORE)


def first(found: dict[str, str], otherwise: int) -> int:
    if "from" in found:
        otherwise = whole(found, "from", 0, LARGEST)
    if "after" in found:
        otherwise = whole(found, "after", 0, LARGEST) + 1
    return int(resumed(found, number)[0]) + 1 if "cursor" in found else otherwise
