"""GET /v1/audit/leaves: the log as it was appended, with its signed head. Whoever reads can check it without us."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil.contracts.base import named
from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil.contracts.exchange_minted import CredentialMinted
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil_server.runtime.store.database import Pool
from services.gateway.answering import NO_STORE
from services.gateway.operators import Operators
from services.gateway.paging import QUERY, cursor, limit, number, resumed
from services.gateway.problems import Problem
from services.gateway.query import identifier, parameters, whole
from services.gateway.v1_audit_head import LARGEST, newest

STAGES = (IdentityVerified.stage, GrantApproved.stage, CredentialMinted.stage)
ALL = "SELECT idx, bytes FROM audit_leaf WHERE idx >= $1 AND idx < $2 ORDER BY idx LIMIT $3"
# A credential's leaves begin before it was one: with its exchange's, whose ids follow from the request's hash.
ABOUT = """SELECT idx, bytes FROM audit_leaf WHERE idx IN (
        SELECT idx FROM audit_about WHERE id = $4 UNION SELECT idx FROM audit_leaf WHERE fact_id = ANY($5::uuid[])
    ) AND idx >= $1 AND idx < $2 ORDER BY idx LIMIT $3"""


class AuditDoor:
    def __init__(self, operators: Operators, db: Pool) -> None:
        self._operators, self._db = operators, db

    async def leaves(self, request: Request) -> Response:
        """Those from `from` on, or after `after`, in their order; with neither the last ones, or the first about a request or a credential."""
        await self._operators.demand(request, "read_audit")
        found = parameters(request, ("from", "after", "request_id", "credential_id", *QUERY))
        about, most = self._about(found), limit(found)
        # The head first: a leaf beyond it may be there already, and has no proof yet that the caller could ask for.
        head = await newest(self._db)
        size = head.size if head else 0
        start = first(found, 0 if about else max(0, size - most))
        rows = await (self._found(found, start, size, most + 1) if about else self._db.fetch(ALL, start, size, most + 1))
        leaves = [{"index": row["idx"], "leaf": row["bytes"].decode()} for row in rows[:most]]
        more = cursor(leaves[-1]["index"]) if len(rows) > most else None
        said = {"leaves": leaves, "next": more, "size": size, "checkpoint": head.checkpoint if head else None}
        return JSONResponse(said, headers=NO_STORE)

    def _about(self, found: dict[str, str]) -> bool:
        both = found.keys() & {"request_id", "credential_id"}
        if len(both) > 1:
            raise Problem("malformed_request", "request_id and credential_id are two questions: ask one")
        return bool(both)

    async def _found(self, found: dict[str, str], start: int, size: int, most: int) -> Sequence[Any]:
        name = "request_id" if "request_id" in found else "credential_id"
        about, facts = identifier(found, name), []
        if name == "credential_id":
            request_hash = await self._db.fetchval("SELECT request_hash FROM mint WHERE credential_id = $1", about)
            facts = [named(stage, request_hash) for stage in STAGES] if request_hash else []
        rows: Sequence[Any] = await self._db.fetch(ABOUT, start, size, most, about, facts)
        return rows


def first(found: dict[str, str], otherwise: int) -> int:
    if "from" in found:
        otherwise = whole(found, "from", 0, LARGEST)
    if "after" in found:
        otherwise = whole(found, "after", 0, LARGEST) + 1
    return int(resumed(found, number)[0]) + 1 if "cursor" in found else otherwise
