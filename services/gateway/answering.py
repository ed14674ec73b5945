"""From an endpoint to an answer, whatever happens inside: a no becomes its document, an accident becomes a 500 that tells nothing."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Literal

import asyncpg
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from services.gateway.problems import About, Problem

log = logging.getLogger("counterfoil.gateway")
Endpoint = Callable[[Request], Awaitable[Response]]
Dialect = Literal["oauth", "v1"]
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
STORE = (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.InsufficientResourcesError)
GONE = (OSError, TimeoutError, *STORE)
"""What a database that is away, ending or starting raises; a statement that is wrong raises something else."""
UNREAD = frozenset({"body_too_large", "slow_body"})
DRAIN_SECONDS, DRAIN_BYTES = 5.0, 64 * 1024 * 1024


class Door:
    """An endpoint as ASGI. `dialect` says which statuses and which members its problems have."""

    def __init__(self, endpoint: Endpoint, dialect: Dialect, base: str) -> None:
        self._endpoint, self._dialect, self._base = endpoint, dialect, base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        request.state.about = About()
        try:
            response = await self._endpoint(request)
        except ClientDisconnect:
            return
        except Problem as problem:
            response = refusal(problem, self._dialect, self._base, request.state.about)
        except GONE as error:
            log.warning("a part is away", extra={"error": type(error).__name__})
            response = self._refused(request, "unavailable")
        except asyncio.CancelledError:  # we are asked to end and this one took too long: it is said, where uvicorn would say 500
            response = self._refused(request, "unavailable", "this gateway is ending")
        except Exception as error:
            log.exception("accident", extra={"error": type(error).__name__})
            response = self._refused(request, "internal")
        await response(scope, receive, send)

    def _refused(self, request: Request, code: str, message: str = "") -> Response:
        return refusal(Problem(code, message), self._dialect, self._base, request.state.about)


def refusal(problem: Problem, dialect: Dialect, base: str, about: About) -> Response:
    status, document = problem.oauth(base, about) if dialect == "oauth" else problem.v1(base, about)
    headers = dict(NO_STORE)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer" if problem.code == "unauthenticated" else 'Bearer error="invalid_token"'
    if document.get("retryable") and status in (429, 503, 504):
        headers["Retry-After"] = str(int(document.get("retry_after", 1)))
    kind = "application/json" if dialect == "oauth" else "application/problem+json"
    made = Unread if problem.code in UNREAD else JSONResponse
    return made(document, status, headers, media_type=kind)


class Unread(JSONResponse):
    """To a caller who is still sending. Closing at once would reset the connection, and the answer would be lost with it."""

    def __init__(self, content: Any, status_code: int, headers: dict[str, str], media_type: str) -> None:
        super().__init__(content, status_code, {**headers, "Connection": "close"}, media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - it is ASGI
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def drain(receive: Receive) -> None:
    left, more = DRAIN_BYTES, True
    while more and left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        more = message.get("more_body", False)
