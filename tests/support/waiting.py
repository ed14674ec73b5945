"""Until something is so: asked again and again, since who makes it so is another process or task."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE = 30


async def until(is_so: Callable[[], Awaitable[object]]) -> None:
    """TimeoutError where it never is."""
    async with asyncio.timeout(PATIENCE):
        while not await is_so():  # noqa: ASYNC110 - it is not this loop that makes it so
            await asyncio.sleep(0.01)
