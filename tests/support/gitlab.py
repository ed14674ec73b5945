"""A GitLab, written by its documentation: tokens of a project or group, and what their scopes and roles open.

https://docs.gitlab.com/api/project_access_tokens/ https://docs.gitlab.com/user/permissions/
"""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.dev.ports import HOST
from tests.support.issuer import serving

OWNER = "glpat-owner"
LEVELS = {10, 15, 20, 30, 40, 50}
PLACES = {"projects": {"acme/web": 40, "acme/docs": 40}, "groups": {"acme": 50}}
"""With the level that the owner of the root token has there."""
SCOPES = {"api", "read_api", "read_repository", "write_repository", "read_registry", "write_registry", "self_rotate"}


@dataclass
class GitLab:
    url: str = ""
    made: list[dict[str, Any]] = field(default_factory=list)
    old: bool = False
    """As before 17.2: neither `state` nor `search` is known."""

    def answer(self, request: Request, body: Any) -> Response:
        kind, path, rest = request.path_params["kind"], request.path_params["path"], request.path_params["rest"]
        bearer = request.headers.get("private-token") or request.headers.get("authorization", "").partition(" ")[2]
        if bearer == OWNER:
            return self.tokens(request, kind, path, rest.split("/"), body)
        token = next((one for one in self.made if one["token"] == bearer and alive(one)), None)
        if token is None:
            return JSONResponse({"message": "401 Unauthorized"}, 401)
        return self.use(request.method, f"{kind}/{path}", rest, token)

    def tokens(self, request: Request, kind: str, path: str, rest: list[str], body: Any) -> Response:
        if path not in PLACES[kind]:
            return JSONResponse({"message": f"404 {kind.capitalize()[:-1]} Not Found"}, 404)
        here = [one for one in self.made if one["place"] == f"{kind}/{path}"]
        match request.method, rest:
            case "POST", ["access_tokens"]:
                return self.make(kind, path, body)
            case "GET", ["access_tokens"]:
                query = request.query_params
                if not self.old:
                    here = [one for one in here if query.get("search", "") in one["name"] and (query.get("state") != "active" or alive(one))]
                page, size = int(query.get("page", 1)), int(query.get("per_page", 20))
                return JSONResponse([shown(one) for one in here[(page - 1) * size : page * size]])
            case "DELETE", ["access_tokens", number]:
                found = next((one for one in here if str(one["id"]) == number and not one["revoked"]), None)
                if found is None:
                    return JSONResponse({"message": "404 Could not find token"}, 404)
                found["revoked"] = True
                return Response(status_code=204)
        return JSONResponse({"error": "404 Not Found"}, 404)

    def make(self, kind: str, path: str, body: dict[str, Any]) -> Response:
        level = body.get("access_level", 40)
        if not body.get("scopes") or not set(body["scopes"]) <= SCOPES:
            return JSONResponse({"message": {"scopes": ["can only contain available scopes"]}}, 400)
        if level not in LEVELS or level > PLACES[kind][path]:
            return JSONResponse({"message": "400 Bad request - Access level of the token can't be greater than yours"}, 400)
        if not date.today() < date.fromisoformat(body["expires_at"]) <= date.today() + timedelta(days=365):  # noqa: DTZ011 - the server's own day
            return JSONResponse({"message": "400 Bad request - Expiration date must be in the future"}, 400)
        return JSONResponse({**shown(made := self.add(f"{kind}/{path}", body, level)), "token": made["token"]}, 201)

    def add(self, place: str, body: dict[str, Any], level: int) -> dict[str, Any]:
        number = len(self.made) + 1
        made = {"id": number, "name": body["name"], "scopes": body["scopes"], "access_level": level, "expires_at": body["expires_at"],
                "revoked": False, "user_id": 100 + number, "created_at": datetime.now(UTC).isoformat(), "last_used_at": None, "place": place,
                "token": f"glpat-{number:020d}"}  # fmt: skip
        self.made.append(made)
        return made

    def use(self, method: str, place: str, rest: str, token: dict[str, Any]) -> Response:
        scopes, level = set(token["scopes"]), token["access_level"]
        if token["place"] != place:
            return JSONResponse({"message": "404 Project Not Found"}, 404)
        if (method, rest) == ("POST", "access_tokens/self/rotate") and scopes & {"api", "self_rotate"}:
            token["revoked"] = True
            return JSONResponse({**shown(made := self.add(place, token, level)), "token": made["token"]})
        wanted, least = ({"api"}, 30) if method == "POST" else ({"api", "read_api"}, 10)
        if not scopes & wanted:
            return JSONResponse({"error": "insufficient_scope", "scope": " ".join(wanted)}, 403)
        return JSONResponse({}, 200 if method == "GET" else 201) if level >= least else JSONResponse({"message": "403 Forbidden"}, 403)

    async def asks(self, token: str, method: str, path: str) -> int:
        """As whoever has the token: the status."""
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.request(method, f"{self.url}/{path}", headers={"PRIVATE-TOKEN": token}, json={})).status_code


def alive(token: dict[str, Any]) -> bool:
    return not token["revoked"] and date.today() < date.fromisoformat(token["expires_at"])  # noqa: DTZ011 - the server's own day


def shown(token: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in token.items() if name not in {"token", "place"}} | {"active": alive(token)}


@asynccontextmanager
async def playing() -> AsyncIterator[GitLab]:
    gitlab, listening = GitLab(), socket.create_server((HOST, 0))
    gitlab.url = f"http://{HOST}:{listening.getsockname()[1]}/api/v4"

    async def answer(request: Request) -> Response:
        # A path in a path is one encoded segment; Starlette's own routing would take it apart.
        raw = request.scope["raw_path"].decode().partition("?")[0].removeprefix("/api/v4/")
        kind, path, *rest = raw.split("/")
        request.scope["path_params"] = {"kind": kind, "path": path.replace("%2F", "/"), "rest": "/".join(rest)}
        return gitlab.answer(request, await request.json() if request.method == "POST" else None)

    methods = ["GET", "POST", "DELETE"]
    async with serving(Starlette(routes=[Route("/{path:path}", answer, methods=methods)]), listening):
        yield gitlab
