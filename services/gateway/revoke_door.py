"""POST /oauth2/revoke (RFC 7009) and /oauth2/introspect (RFC 7662): an app's own credentials, by name or by themselves."""

import asyncio
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil.contracts.revocation_requested import Predicate
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.service import Clock
from services.gateway import body
from services.gateway.answering import NO_STORE
from services.gateway.callers import Caller, Callers
from services.gateway.ledger import DEAD, Ledger
from services.gateway.orders import Orders
from services.gateway.problems import Problem
from services.gateway.settled import Settled
from services.gateway.standing import Standing

PATIENCE = 2.0
ENDED = DEAD | {"stuck", "uncertain"}


class RevokeDoor:
    def __init__(self, callers: Callers, ledger: Ledger, orders: Orders, settled: Settled, standing: Standing, now: Clock, base: str) -> None:
        self._callers, self._ledger, self._orders, self._settled = callers, ledger, orders, settled
        self._standing, self._now, self._base = standing, now, base

    async def revoke(self, request: Request) -> Response:
        """Unknown and foreign ones look alike, and nothing happens to them: RFC 7009 section 2.2 wants a 200."""
        caller, row = await self._own(request)
        if row is None:
            return JSONResponse({}, headers=NO_STORE)
        credential_id: UUID = row["credential_id"]
        if row["state"] in DEAD:
            return JSONResponse(said(credential_id, row["state"], self._now()), headers=NO_STORE)
        with self._settled.expecting(credential_id) as end:
            accepted = await self._orders.accept(Predicate(credential_id=credential_id), caller.actor, "revoked by its holder")
            await asyncio.wait([end], timeout=PATIENCE)
        state = await self._ledger.state(credential_id)
        return JSONResponse(said(credential_id, state, accepted.at) | {"revocation_id": str(accepted.id)}, headers=NO_STORE)

    async def introspect(self, request: Request) -> Response:
        """RFC 7662 section 2.2. What is fenced or blocked is not active from then on, whatever its revocation has come to."""
        _, row = await self._own(request)
        alive = row is not None and row["state"] == "active" and row["expires_at"] > self._now()
        if row is None or not alive or not await self._standing.now(row):
            return JSONResponse({"active": False}, headers=NO_STORE)
        granted, name = row["granted"] or {}, str(row["credential_id"])
        return JSONResponse({
            "active": True, "credential_id": name, "jti": name, "iss": self._base, "sub": row["sub_hash"], "aud": row["connector"],
            "exp": int(row["expires_at"].timestamp()), "iat": int(row["sent_at"].timestamp()), "scope": " ".join(granted.get("scopes", [])),
            "authorization_details": granted.get("details", []),
        }, headers=NO_STORE)  # fmt: skip

    async def _own(self, request: Request) -> tuple[Caller, dict[str, Any] | None]:
        caller = await self._callers.caller(request)
        token = (await body.form(request)).get("token")
        if token is None:
            raise Problem("malformed_request", "token is missing: the credential, or its credential_id")
        row = await self._ledger.find(Secret(token))
        own = row is not None and (row["issuer"], row["sub_hash"]) == (caller.issuer, caller.sub_hash)
        return caller, row if own else None


def said(credential_id: UUID, state: str, at: Any) -> dict[str, Any]:
    return {
        "accepted": at.isoformat(),
        "credential_id": str(credential_id),
        "state": "revoked" if state in DEAD else state if state in ENDED else "accepted",
    }
