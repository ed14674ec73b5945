"""A platform's endpoint on this machine: a real server that answers as the platform's documentation says, and refuses what it would refuse."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from counterfoil.client.ambient.chain import Found, walk
from counterfoil.client.ambient.source import Around
from services.dev.issuer import LOOPBACK
from tests.support.issuer import serving

AUDIENCE = "https://exchange.example/a b&c"
"""What has to be escaped, is."""
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2ln"
Answering = Callable[[Request, bytes], Response | Awaitable[Response]]


@dataclass
class Platform:
    """`url` is where it is. Every request is kept; `no` says why the last one was refused."""

    answers: Mapping[str, Answering]
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def app(self) -> Starlette:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            self.asked.append(f"{request.method} {request.url.path}")
            answering = self.answers.get(f"{request.method} {request.url.path}")
            if answering is None:
                return PlainTextResponse("canary: there is nothing here", 404)
            found = answering(request, body)
            return found if isinstance(found, Response) else await found

        return Starlette(routes=[Route("/{path:path}", endpoint, methods=["GET", "PUT", "POST"])])

    def detour(self, *hosts: str) -> Callable[[bool, str | None], httpx.AsyncClient]:
        """Requests to these hosts come here instead, their Host header as it was; to any other host they fail."""

        class Detour(httpx.AsyncHTTPTransport):
            async def handle_async_request(transport, request: httpx.Request) -> httpx.Response:  # noqa: N805 `self` is the platform
                if request.url.host not in hosts or request.url.scheme != "https":
                    raise httpx.ConnectError(f"no way to {request.url.host}")
                request.url = request.url.copy_with(scheme="http", host=LOOPBACK, port=httpx.URL(self.url).port)
                return await super().handle_async_request(request)

        return lambda _near, _socket: httpx.AsyncClient(transport=Detour())


@asynccontextmanager
async def offering(answers: Mapping[str, Answering], path: Path | None = None) -> AsyncIterator[Platform]:
    """By "METHOD /path". On a port of its own, or on a unix socket at `path`."""
    made = Platform(answers)
    if path is None:
        listening = socket.create_server((LOOPBACK, 0))
        made.url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    else:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        listening.listen()
    async with serving(made.app(), listening):
        yield made


async def found(env: Mapping[str, str], root: Path = Path("/nowhere"), open_: Any = None, audience: str = AUDIENCE) -> Found:
    async def wanted() -> str:
        return audience

    return await walk(Around({"PATH": "/usr/bin:/bin"} | dict(env), root, open_), wanted)


def short_folder() -> tempfile.TemporaryDirectory[str]:
    """A unix socket's path has at most 107 bytes."""
    return tempfile.TemporaryDirectory(prefix="cf")


def no(why: str, status: int = 400) -> Response:
    """As a platform says no, with words that nobody may repeat."""
    return JSONResponse({"error": "canary", "error_description": f"canary {why}"}, status)


async def gone() -> str:
    """An address where nobody listens."""
    listening = socket.create_server((LOOPBACK, 0))
    port = listening.getsockname()[1]
    listening.close()
    await asyncio.sleep(0)
    return f"{LOOPBACK}:{port}"
