"""GitHub: Vercel's emulator of it, and before that a shim of ours for what the emulator lacks.

The emulator proves the app's JWT, the wish, and that a token is enforced on use. What it does not know is played here, by GitHub's documentation:
`DELETE /installation/token`, `GET /installation/repositories`, `PUT` and `DELETE /app/installations/{id}/suspended`, and that a token that was ended
or whose installation is suspended opens nothing.
"""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from counterfoil.wire.secret import Secret
from services.dev.ports import HOST
from tests.support.issuer import serving
from tests.support.node import Node

EMULATOR = "node_modules/emulate/dist/index.js"
APP, INSTALLATION, OTHER = 12345, 100, 200
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
BAD_CREDENTIALS = {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"}
SUSPENDED = {"message": "This installation has been suspended", "documentation_url": "https://docs.github.com/rest", "status": "403"}


def pem() -> str:
    """As GitHub gives one: PKCS#1."""
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def seed(key: str) -> dict[str, Any]:
    """Two organisations with the app, one of them with all its repositories and less permissions; and a repository of neither."""
    app = {"app_id": APP, "slug": "acme-bot", "name": "Acme bot", "private_key": key,
           "permissions": {"contents": "write", "issues": "write", "metadata": "read", "pull_requests": "read"}}  # fmt: skip
    installations = [
        {"installation_id": INSTALLATION, "account": "acme", "repository_selection": "selected", "repositories": ["acme/a", "acme/b"]},
        {"installation_id": OTHER, "account": "globex", "repository_selection": "all", "permissions": {"contents": "read"}},
    ]
    repositories = [("acme", "a"), ("acme", "b"), ("acme", "closed"), ("globex", "a"), ("octocat", "own")]
    return {"github": {
        "users": [{"login": "octocat"}],
        "orgs": [{"login": one, "members": [{"login": "octocat", "role": "admin"}]} for one in ("acme", "globex")],
        "repos": [{"owner": owner, "name": name, "private": True, "auto_init": True} for owner, name in repositories],
        "apps": [app | {"installations": installations}],
    }}  # fmt: skip


@dataclass
class Shim:
    emulator: str
    http: httpx.AsyncClient
    repositories: dict[str, list[Any]] = field(default_factory=dict)
    """Of each token that lives."""
    installation: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    suspended: set[str] = field(default_factory=set)
    lost: bool = False
    """A fault: tokens are made, and nobody hears of it."""
    also: dict[str, str] = field(default_factory=dict)
    """A lie: permissions that an answer says it gave beside those that were asked for."""

    async def answer(self, request: Request) -> Response:
        bearer = request.headers.get("authorization", "").partition(" ")[2]
        if bearer in self.ended:
            return JSONResponse(BAD_CREDENTIALS, 401)
        parts = request.url.path.strip("/").split("/")
        if self.installation.get(bearer) in self.suspended:
            return JSONResponse(SUSPENDED, 403)
        match request.method, parts:
            case ("DELETE", ["installation", "token"]) | ("GET", ["installation", "repositories"]) if bearer not in self.repositories:
                return JSONResponse(BAD_CREDENTIALS, 401)
            case "DELETE", ["installation", "token"]:
                self.ended.add(bearer)
                return Response(status_code=204)
            case "GET", ["installation", "repositories"]:
                found = self.repositories[bearer]
                return JSONResponse({"total_count": len(found), "repositories": found[:1]})
            case "PUT" | "DELETE", ["app", "installations", number, "suspended"]:
                return await self.suspend(request, number)
            case "POST", ["app", "installations", number, "access_tokens"] if number in self.suspended:
                return JSONResponse(SUSPENDED, 403)
        return await self.pass_on(request)

    async def suspend(self, request: Request, number: str) -> Response:
        known = await self.http.get(f"{self.emulator}/app/installations/{number}", headers={"Authorization": request.headers["authorization"]})
        if known.status_code != 200:
            return Response(known.content, known.status_code)
        (self.suspended.add if request.method == "PUT" else self.suspended.discard)(number)
        return Response(status_code=204)

    async def pass_on(self, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in {"host", "content-length"}}
        url = f"{self.emulator}{request.url.path}?{request.url.query}".rstrip("?")
        answer = await self.http.request(request.method, url, headers=headers, content=await request.body())
        parts = request.url.path.strip("/").split("/")
        if answer.status_code == 200 and parts[:2] == ["app", "installations"] and len(parts) == 3:
            return JSONResponse(answer.json() | {"suspended_at": "2026-11-27T12:00:00Z" if parts[2] in self.suspended else None})
        if answer.status_code == 201 and request.url.path.endswith("/access_tokens"):
            body = answer.json()
            self.repositories[body["token"]] = body.get("repositories", [])
            self.installation[body["token"]] = parts[2]
            if self.lost:
                return Response(status_code=500)
            return JSONResponse(body | {"permissions": body["permissions"] | self.also}, 201)
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))


@dataclass(frozen=True)
class GitHub:
    url: str
    shim: Shim
    key: Secret

    def config(self, **changes: Any) -> dict[str, object]:
        usual = {"app": str(APP), "installation_id": INSTALLATION, "account": "acme", "api": self.url, "network": "this_machine"}
        return usual | changes

    async def asks(self, token: str, method: str, path: str, **more: Any) -> int:
        """As whoever has the token: the status."""
        answer = await self.shim.http.request(method, self.url + path, headers={"Authorization": f"Bearer {token}"}, **more)
        return answer.status_code

    async def minted(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.shim.http.get(f"{self.shim.emulator}/_emulate/installation-tokens")).json()["installation_tokens"]
        return found


@asynccontextmanager
async def emulated(node: Node) -> AsyncIterator[GitHub]:
    key = pem()
    (file := node.folder / "github.json").write_text(json.dumps(seed(key)))
    emulator = await node.start(EMULATOR, "start", "--service", "github", "--seed", str(file), "--port", "{port}")
    listening = socket.create_server((HOST, 0))
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        shim = Shim(emulator, http)
        async with serving(Starlette(routes=[Route("/{path:path}", shim.answer, methods=METHODS)]), listening):
            yield GitHub(f"http://{HOST}:{listening.getsockname()[1]}", shim, Secret(key))


@pytest.fixture(scope="session")
async def github(node: Node) -> AsyncIterator[GitHub]:
    async with emulated(node) as made:
        yield made
