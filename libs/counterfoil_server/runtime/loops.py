"""Work that is done again and again, and outlives a database or a broker that is away for a while."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from counterfoil_server.runtime.stage import TRANSPORT

log = logging.getLogger("counterfoil.loops")
Turn = Callable[[int], Awaitable[bool | None]]
"""Gets its number. True: there is more to do at once."""


async def forever(name: str, turn: Turn, every: float) -> None:
    """A turn that a transport error cut off is taken again: what it did not do stands in the rows. Any other error ends the loop."""
    number = 0
    while True:
        more = None
        try:
            more = await turn(number)
        except TRANSPORT as error:
            log.warning("cut off, and taken again", extra={"loop": name, "error": type(error).__name__})
        number += 1
        if not more:
            await asyncio.sleep(every)
