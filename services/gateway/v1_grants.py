"""/v1/grants: what people agreed to, seen and ended. Never what can be used of it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil.wire import users
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.store import locks, registry_rows
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.store.registry_rows import Note
from services.gateway.answering import NO_STORE
from services.gateway.callers import Caller
from services.gateway.operators import Operators
from services.gateway.paging import QUERY, cursor, limit, moment, resumed
from services.gateway.problems import Problem
from services.gateway.query import parameters, uuid
from services.gateway.registry_book import changing

SHOWN = "grant_id, connector, installation, project, environment, user_digest, scopes, state, given_at, used_at, last_error"
PAGE = f"""SELECT {SHOWN} FROM user_grant WHERE state <> 'ended' AND ($1::text IS NULL OR connector = $1) AND ($2::text IS NULL OR project = $2)
AND ($3::text IS NULL OR environment = $3) AND ($4::text IS NULL OR user_digest = $4)
AND ($5::timestamptz IS NULL OR (given_at, grant_id) < ($5, $6::uuid)) ORDER BY given_at DESC, grant_id DESC LIMIT $7"""  # noqa: S608 - our own words
ONE = f"SELECT {SHOWN} FROM user_grant WHERE grant_id = $1"  # noqa: S608
END = "UPDATE user_grant SET state = 'ending', next_at = clock_timestamp() WHERE grant_id = $1 AND state IN ('live', 'doubtful') RETURNING true"
NAMED = ("connector", "project", "environment", "user", "user_issuer")


class GrantsDoor:
    def __init__(self, operators: Operators, db: Pool, now: Clock) -> None:
        self._operators, self._db, self._now = operators, db, now

    async def all(self, request: Request) -> Response:
        """The newest first. Who may not read all reads those of its own project and environment."""
        caller = await self._operators.caller(request)
        found = parameters(request, (*NAMED, *QUERY))
        if not self._operators.may(caller, "read_credentials", found.get("connector")):
            found |= dict(zip(("project", "environment"), place(caller), strict=True))
        most, (at, last) = limit(found), resumed(found, moment, UUID) or (None, None)
        wanted = (found.get("connector"), found.get("project"), found.get("environment"), digest(found))
        rows = await self._db.fetch(PAGE, *wanted, at, last, most + 1)
        more = cursor(rows[most - 1]["given_at"], str(rows[most - 1]["grant_id"])) if len(rows) > most else None
        return JSONResponse({"grants": [shown(row) for row in rows[:most]], "next": more}, headers=NO_STORE)

    async def one(self, request: Request) -> Response:
        """DELETE: from here on nothing is lent under it; what is alive under it is ended, then the grant at the provider."""
        caller = await self._operators.caller(request)
        parameters(request, ())
        row = await self._db.fetchrow(ONE, uuid(request.path_params["id"]))
        action = "revoke" if request.method == "DELETE" else "read_credentials"
        if row is None or not (caller.lives_in(row["project"], row["environment"]) or self._operators.may(caller, action, row["connector"])):
            raise Problem("not_found", "there is no such grant, or it is another app's")
        if request.method == "DELETE":
            row = await self._end(caller, row)
        return JSONResponse(shown(row), headers=NO_STORE)

    async def _end(self, caller: Caller, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ended already is no error."""
        entry = {name: row[name] for name in ("connector", "installation", "project", "environment")} | {"user": row["user_digest"]}
        async with changing(self._db, dry_run=False) as db:
            await locks.registry(db)
            if await db.fetchval(END, row["grant_id"]):
                await registry_rows.apply(db, [Note("grant_ended", "grant", str(row["grant_id"]), entry)], caller.actor, self._now())
        found: Mapping[str, Any] = await self._db.fetchrow(ONE, row["grant_id"])
        return found


def place(caller: Caller) -> tuple[str, str]:
    if caller.project is None or caller.environment is None:
        raise Problem("not_allowed", "this identity has no project and environment of its own, and may not read everyone's")
    return caller.project, caller.environment


def digest(found: Mapping[str, str]) -> str | None:
    if "user" not in found:
        if "user_issuer" in found:
            raise Problem("malformed_request", "user_issuer goes with user")
        return None
    try:
        return users.digest(found["user"], found.get("user_issuer"))
    except ValueError as error:
        raise Problem("malformed_request", str(error)) from None


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}
    return plain | {"grant_id": str(row["grant_id"]), "scopes": list(row["scopes"])}
