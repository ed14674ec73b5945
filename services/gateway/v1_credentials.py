"""GET /v1/whoami and /v1/credentials: who one is here, and what is lent."""

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil.contracts.revocation_requested import Predicate
from counterfoil_server.domain import operators
from services.gateway.answering import NO_STORE
from services.gateway.callers import Caller
from services.gateway.ledger import Filter, Ledger
from services.gateway.operators import Operators
from services.gateway.orders import ALIVE
from services.gateway.paging import QUERY, cursor, limit, moment, resumed
from services.gateway.problems import Problem
from services.gateway.query import parameters, predicate

ACTIONS = (*operators.READ, *operators.STOP, operators.CHANGE)
"""Asked about the installation as a whole: a policy may still forbid one of them for a connector."""
STATES = (*ALIVE, "revoked", "failed", "expired")
NAMED = ("connector", "project", "environment", "issuer", "sub_hash", "since", "until", "credential_id", "request_hash")


class Credentials:
    def __init__(self, operators: Operators, ledger: Ledger) -> None:
        self._operators, self._ledger = operators, ledger

    async def whoami(self, request: Request) -> Response:
        caller = await self._operators.caller(request)
        parameters(request, ())
        found = {name: getattr(caller, name) for name in ("issuer", "sub_hash", "project", "environment", "role")}
        may = [action for action in ACTIONS if self._operators.may(caller, action)]
        return JSONResponse(found | {"may": may}, headers=NO_STORE)

    async def credentials(self, request: Request) -> Response:
        """The newest first. Who may not read all reads its own."""
        caller = await self._operators.caller(request)
        found = parameters(request, (*NAMED, "state", *QUERY))
        everyones = self._operators.may(caller, "read_credentials", found.get("connector"))
        most, after = limit(found), resumed(found, moment, UUID)
        wanted = Filter(narrowed(found, None if everyones else caller), states(found.get("state", "alive")), most + 1, after or None)
        rows = await self._ledger.page(wanted)
        more = cursor(rows[most - 1]["sent_at"], str(rows[most - 1]["credential_id"])) if len(rows) > most else None
        return JSONResponse({"credentials": [row_shown(row) for row in rows[:most]], "next": more}, headers=NO_STORE)


def narrowed(found: dict[str, str], own: Caller | None) -> Predicate:
    asked = {name: value for name, value in found.items() if name in NAMED}
    if own is not None:
        asked |= {"issuer": own.issuer, "sub_hash": own.sub_hash}
    return predicate(asked) if asked else Predicate()


def states(text: str) -> tuple[str, ...]:
    named = {"alive": ALIVE, "all": STATES} | {state: (state,) for state in STATES}
    if text not in named:
        raise Problem("malformed_request", f"state has to be one of {', '.join(named)}")
    return named[text]


def row_shown(row: dict[str, Any]) -> dict[str, Any]:
    granted = row.pop("granted") or {}
    plain = {name: value if isinstance(value, str | bool | None) else value.isoformat() if hasattr(value, "isoformat") else str(value)
             for name, value in row.items()}  # fmt: skip
    return plain | {"scopes": granted.get("scopes", []), "details": granted.get("details", [])}
