"""Until something is so: asked again and again, since who makes it so is another process or task."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE = 30
T = TypeVar("T")


async def until(is_so: Callable[[], Awaitable[T | None]]) -> T:
    """What it gave in the end. TimeoutError where it never is."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await is_so()):  # noqa: ASYNC110 - it is not this loop that makes it so
            await asyncio.sleep(0.01)
    return found
