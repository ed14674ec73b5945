"""Ending tokens that were only wanted on the way to another. Nobody has them but this process, and it forgets them."""

import asyncio
from dataclasses import replace

from counterfoil.wire.secret import Secret
from services.providers.oauth.server import Server
from services.providers.seam import Irrevocable, ProviderError

LIMIT = 2.0
"""Seconds for one try."""
PAUSES = (0.2, 0.8)
CANNOT = "the server cannot revoke the client's own token, which was to be exchanged: say `exchanged_ends: false` if it may live its own time"
STAYS = "the client's own token, which was exchanged, could not be ended: it lives its own time, and nobody has it"


class Endings:
    """Each goes on to its end though who waits for it is cut off."""

    def __init__(self) -> None:
        self._open = set[asyncio.Task[str]]()

    def begin(self, server: Server, token: Secret) -> asyncio.Task[str]:
        task = asyncio.create_task(ended(server, token))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        return task

    async def of(self, server: Server, token: Secret) -> str:
        """Empty where it has ended; else why not, within the time of the call."""
        task = self.begin(server, token)
        try:
            async with asyncio.timeout_at(server.until):
                return await asyncio.shield(task)
        except TimeoutError:
            return STAYS

    async def close(self) -> None:
        if self._open:
            await asyncio.wait(self._open, timeout=LIMIT)


async def ended(server: Server, token: Secret) -> str:
    clock = asyncio.get_running_loop().time
    for pause in (*PAUSES, None):
        try:
            await replace(server, until=clock() + LIMIT).revoke(token, None)
        except Irrevocable:
            return CANNOT
        except ProviderError as no:
            if pause is None or no.retry_after:
                break
            await asyncio.sleep(pause)
        else:
            return ""
    return STAYS
