"""The console: one process that serves the pages. It has no key, no way to Kafka, and a database role that reads no secret."""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import httpx
from starlette.types import ASGIApp

from counterfoil_server.runtime import health
from counterfoil_server.runtime.service import settle, utc_now
from counterfoil_server.runtime.starting import needing, told
from counterfoil_server.runtime.store.database import Pool, answers, connect
from counterfoil_server.runtime.telemetry import logs
from counterfoil_server.runtime.watch import Watch
from services.console.own_settings import OwnSettings
from services.console.running import serving, until_told
from services.console.wiring import Parts, console

MOST = 8
PATIENCE = 10.0


@asynccontextmanager
async def opened(own: OwnSettings) -> AsyncIterator[Parts]:
    async with AsyncExitStack() as stack:
        with needing("the database", "COUNTERFOIL_DATABASE"):
            db = await connect(own.database, name="console", most=MOST)
        stack.push_async_callback(closed, db)
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=own.gateway, timeout=PATIENCE, trust_env=False))
        yield Parts(own, db, http, utc_now)


async def closed(db: Pool) -> None:
    await asyncio.wait_for(db.close(), 5)


def servers(own: OwnSettings, app: ASGIApp, db: Pool) -> list[Coroutine[Any, Any, None]]:
    """The pages, and the health page where it has a port."""
    watch = Watch()
    watch.over(list, 0)

    made = [health.server(app, own.host, own.port, "COUNTERFOIL_CONSOLE_PORT")]
    if own.health_port is not None:
        made.append(health.server(health.page(watch, partial(answers, db)), "127.0.0.1", own.health_port))
    return [serving(one) for one in made]


async def run(own: OwnSettings) -> None:
    logs.install("console", own.log_level)
    async with opened(own) as parts:
        app, loops = console(parts)
        ways_in = servers(own, app, parts.db)
        settle()
        good = await until_told([*ways_in, *loops])
    if not good:
        raise SystemExit(1)


if __name__ == "__main__":
    with told("console"):
        asyncio.run(run(OwnSettings.read(os.environ)))
