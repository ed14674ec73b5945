"""The local issuer, served for the length of a test: real http on a real port."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from services.dev.issuer import LOOPBACK, LocalIssuer, app


@asynccontextmanager
async def running(issuer: LocalIssuer) -> AsyncIterator[str]:
    """Serves it at `issuer.url`; where it has none yet, at a free port. The same issuer can be served again after it was away."""
    _, _, port = issuer.url.rpartition(":")
    listening = socket.create_server((LOOPBACK, int(port or 0)))
    issuer.url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
    async with serving(app(issuer), listening):
        yield issuer.url


@asynccontextmanager
async def serving(application: ASGIApp, listening: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 uvicorn has no event for it
            await asyncio.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        await task
        listening.close()
