"""Linear: Vercel's emulator of it, and before that a shim of ours for what the emulator lacks.

The emulator proves the app's secret, the wish, that scopes are enforced on use, and that a revoked token opens nothing. Played here, by Linear's
documentation: a token that was revoked cannot be revoked again (400), tokens live for 30 days, and a request for other scopes ends all tokens of
the app.
"""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from counterfoil.wire.secret import Secret
from services.dev.ports import HOST
from tests.support.issuer import serving
from tests.support.node import Node

EMULATOR = "node_modules/emulate/dist/index.js"
CLIENT, USERS_OWN, SECRET = "lin_app", "lin_users_own", "lin-secret-of-the-app"
OFFERED = ("read", "issues:create")
MONTH = 30 * 86400 - 1
SEED = {"linear": {
    "organization": {"name": "Acme", "url_key": "acme"},
    "users": [{"email": "admin@example.com", "name": "Admin", "admin": True}],
    "teams": [{"key": "ENG", "name": "Engineering"}],
    "oauth_apps": [
        {"client_id": CLIENT, "client_secret": SECRET, "name": "Acme bot", "redirect_uris": [], "actor": "app",
         "scopes": ["read", "issues:create", "comments:create"]},
        {"client_id": USERS_OWN, "client_secret": SECRET, "name": "Not for itself", "redirect_uris": [], "actor": "user", "scopes": ["read"]},
    ],
    "strict_scopes": True,
}}  # fmt: skip
READ = "{ teams { nodes { id } } }"
CREATE = 'mutation { issueCreate(input: { teamId: "ENG", title: "from a test" }) { success } }'
COMMENT = 'mutation { commentCreate(input: { issueId: "ENG-1", body: "from a test" }) { success } }'


@dataclass
class Shim:
    emulator: str
    http: httpx.AsyncClient
    alive: dict[str, str] = field(default_factory=dict)
    """Tokens, with the scopes that they were asked for."""

    async def answer(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode())) if request.url.path.startswith("/oauth/") else {}
        if request.url.path == "/oauth/revoke" and self.alive.pop(form["token"], None) is None:
            return JSONResponse({"error": "invalid_request", "error_description": "unable to revoke token"}, 400)
        headers = {name: value for name, value in request.headers.items() if name not in {"host", "content-length"}}
        answer = await self.http.request(request.method, f"{self.emulator}{request.url.path}", headers=headers, content=await request.body())
        if request.url.path == "/oauth/token" and answer.status_code == 200:
            return await self.gave(answer.json(), form["scope"])
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    async def gave(self, said: dict[str, Any], scope: str) -> Response:
        for token in [one for one, other in self.alive.items() if other != scope]:
            await self.http.post(f"{self.emulator}/oauth/revoke", data={"token": token})
            del self.alive[token]
        self.alive[said["access_token"]] = scope
        return JSONResponse(said | {"expires_in": MONTH})


@dataclass(frozen=True)
class Linear:
    url: str
    shim: Shim
    secret: Secret = field(default_factory=lambda: Secret(SECRET))

    def config(self, **changes: Any) -> dict[str, object]:
        return {"client_id": CLIENT, "scopes": list(OFFERED), "api": self.url, "network": "this_machine"} | changes

    async def may(self, token: str, query: str) -> bool:
        """As whoever has the token: whether its scopes let it. Fails where it is none at all."""
        answer = await self.asks(token, query)
        if answer.status_code == 200:
            return True
        assert answer.json()["errors"][0]["message"].startswith("Missing required Linear scope")
        return False

    async def opens(self, token: str) -> bool:
        return (await self.asks(token, READ)).status_code != 401

    async def asks(self, token: str, query: str) -> httpx.Response:
        return await self.shim.http.post(f"{self.url}/graphql", headers={"Authorization": f"Bearer {token}"}, json={"query": query})


@asynccontextmanager
async def emulated(node: Node) -> AsyncIterator[Linear]:
    (file := node.folder / "linear.json").write_text(json.dumps(SEED))
    emulator = await node.start(EMULATOR, "start", "--service", "linear", "--seed", str(file), "--port", "{port}")
    listening = socket.create_server((HOST, 0))
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        shim = Shim(emulator, http)
        async with serving(Starlette(routes=[Route("/{path:path}", shim.answer, methods=["POST"])]), listening):
            yield Linear(f"http://{HOST}:{listening.getsockname()[1]}", shim)


@pytest.fixture(scope="session")
async def linear(node: Node) -> AsyncIterator[Linear]:
    async with emulated(node) as made:
        yield made
