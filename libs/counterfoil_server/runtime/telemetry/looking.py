"""Loops that only look: whatever happens to one, the process's work goes on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger("counterfoil.telemetry")


async def looking(name: str, turn: Callable[[], Awaitable[None]], every: float) -> None:
    while True:
        try:
            await turn()
        except Exception as error:
            log.warning("not measured", extra={"loop": name, "error": type(error).__name__}, exc_info=error)
        await asyncio.sleep(every)
