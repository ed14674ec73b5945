"""A process without a bus: its loops run until a signal comes, or one of them fails."""

import asyncio
import logging
import signal
from collections.abc import Coroutine, Sequence
from typing import Any

from counterfoil_server.runtime import health

log = logging.getLogger("counterfoil.console")


async def until_told(loops: Sequence[Coroutine[Any, Any, None]]) -> bool:
    """Whether nothing failed. Whoever started the process starts it again."""
    told, running = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        running.add_signal_handler(number, told.set)
    tasks = [asyncio.create_task(loop) for loop in loops]
    asked = asyncio.create_task(told.wait())
    log.info("started")
    try:
        await asyncio.wait([asked, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (asked, *tasks):
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    failed = [error for error in ended if isinstance(error, Exception)]
    for error in failed:
        log.error("loop failed", exc_info=error)
    return not failed and told.is_set()


async def serving(server: health.Server) -> None:
    """Cancelled, it lets those finish who are being answered."""
    async with health.stopped_after(server):
        task = asyncio.create_task(server.serve())
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            server.should_exit = True
            await task
            raise
