"""/livez: the process makes progress. /readyz: it has its partitions and its database."""

import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from counterfoil_server.runtime.watch import Watch

BACKLOG = 1024


class PortTaken(RuntimeError):
    """Says which, and what to set."""


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: the service shell has its own. It has its port before it serves, or is not made."""

    listening: socket.socket

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await super().serve(sockets or [self.listening])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bound(host: str, port: int, setting: str) -> socket.socket:
    """An answer is two writes, head and body: without NODELAY the second waits 40 ms for the other side. asyncio sets it on its own sockets only."""
    try:
        made = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise PortTaken(f"port {port} of {host} cannot be had ({why}): end what listens there, or set another as {setting}") from None
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # whoever is accepted has it too
    return made


def server(app: ASGIApp, host: str, port: int, setting: str = "COUNTERFOIL_HEALTH_PORT") -> Server:
    """Raises PortTaken."""
    listening = bound(host, port, setting)
    made = Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            http="httptools",
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=3,
            server_header=False,
            date_header=True,
            h11_max_incomplete_event_size=16384,
            limit_concurrency=2000,
            timeout_keep_alive=30,
            backlog=BACKLOG,
        )
    )
    made.listening = listening
    return made


@contextlib.asynccontextmanager
async def stopped_after(running: Server) -> AsyncIterator[None]:
    try:
        yield
    finally:
        running.should_exit = True


def page(watch: Watch, ready: Callable[[], Awaitable[bool]]) -> Starlette:
    async def livez(_: Request) -> JSONResponse:
        return JSONResponse({"alive": watch.healthy}, 200 if watch.healthy else 503)

    async def readyz(_: Request) -> JSONResponse:
        able = watch.ready and await ready()
        return JSONResponse({"ready": able, "lag": watch.lag}, 200 if able else 503)

    return Starlette(routes=[Route("/livez", livez), Route("/readyz", readyz)])
