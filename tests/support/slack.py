"""Slack, played by its documentation: nobody else plays token rotation, nor auth.revoke. HTTP 200 with every no, two live tokens of a user."""

import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from counterfoil.wire.secret import Secret
from services.dev.ports import HOST
from services.providers import shelf
from tests.providers.desk import Desk
from tests.support.issuer import serving
from tests.support.mcp import Lending

CLIENT, SECRET = "12345.67890", "slack-secret-of-the-app"
SCOPES = ("chat:write", "users:read")


@dataclass
class User:
    """What one agreed to. `tokens`: what is live of it, the newest last."""

    scope: str
    refresh: str = ""
    tokens: list[str] = field(default_factory=list)


@dataclass
class Slack:
    url: str
    changes: dict[str, Any] = field(default_factory=dict)
    """Of the user's part of what is given next."""
    beside: dict[str, Any] = field(default_factory=dict)
    no: Any = None
    """A JSON document, a status and headers that the next call is answered with."""
    codes: dict[str, User] = field(default_factory=dict)
    users: list[User] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def config(self, **changes: Any) -> dict[str, Any]:
        usual = {"client_id": CLIENT, "scopes": list(SCOPES), "api": f"{self.url}/api", "authorize": f"{self.url}/oauth/v2/authorize"}
        return usual | {"network": "this_machine"} | changes

    @property
    def root(self) -> dict[str, Secret]:
        return {"client_secret": Secret(SECRET)}

    def desk(self) -> Desk:
        away = self.config(api="http://127.0.0.1:1/api")
        return Desk(Lending(shelf.provider("slack")), self.config(), self.root, frozenset(SCOPES), away, one_for_all=True)

    def lives(self, token: str) -> bool:
        return any(token in user.tokens for user in self.users)

    async def agree(self, request: Request) -> Response:
        said = dict(request.query_params)
        assert "scope" not in said, "those would be a bot's"
        self.codes[code := secrets.token_hex(8)] = User(said["user_scope"])
        return RedirectResponse(f"{said['redirect_uri']}?{urlencode({'code': code, 'state': said['state']})}", 302)

    async def answer(self, request: Request) -> Response:
        method, form = request.path_params["method"], dict(parse_qsl((await request.body()).decode()))
        self.asked.append((method, form))
        if self.no is not None:
            (body, status, headers), self.no = self.no, None
            return JSONResponse(body, status, headers) if body is not None else Response(status_code=status, headers=headers)
        if method == "oauth.v2.access":
            return JSONResponse(self.access(form))
        token = request.headers["authorization"].removeprefix("Bearer ")
        user = next((one for one in self.users if token in one.tokens), None)
        if user is None:
            return JSONResponse({"ok": False, "error": "token_revoked"})
        if method == "auth.revoke":
            self.users.remove(user)
            return JSONResponse({"ok": True, "revoked": True})
        return JSONResponse({"ok": True, "team_id": "T1", "user_id": "U1"})

    def access(self, form: dict[str, str]) -> dict[str, Any]:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return {"ok": False, "error": "bad_client_secret"}
        about = {"ok": True, "app_id": "A1", "team": {"id": "T1", "name": "Acme"}, "enterprise": None, "is_enterprise_install": False}
        if form.get("grant_type") == "refresh_token":
            user = next((one for one in self.users if one.refresh == form["refresh_token"]), None)
            return about | self.given(user) if user else {"ok": False, "error": "invalid_refresh_token"}
        user = self.codes.pop(form.get("code", ""), None)
        if user is None or not form.get("code_verifier"):
            return {"ok": False, "error": "invalid_code"}
        self.users.append(user)
        return about | self.beside | {"authed_user": {"id": "U1", **self.given(user)}}

    def given(self, user: User) -> dict[str, Any]:
        user.refresh = f"xoxe-1-{secrets.token_hex(8)}"
        user.tokens = [*user.tokens[-1:], f"xoxe.xoxp-1-{secrets.token_hex(8)}"]
        usual = {"access_token": user.tokens[-1], "token_type": "user", "scope": f"identify,{user.scope}", "refresh_token": user.refresh}
        made = usual | {"expires_in": 43200} | self.changes
        self.changes = {}
        return {name: value for name, value in made.items() if value is not None}


@asynccontextmanager
async def chatting() -> AsyncIterator[Slack]:
    listening = socket.create_server((HOST, 0))
    made = Slack(f"http://{HOST}:{listening.getsockname()[1]}")

    async def answer(request: Request) -> Response:
        return await made.answer(request)

    routes = [Route("/oauth/v2/authorize", made.agree), Route("/api/{method}", answer, methods=["POST"])]
    async with serving(Starlette(routes=routes), listening):
        yield made
