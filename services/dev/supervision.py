"""While everything runs: a service that ends is started again, and anything else that ends, ends the run."""

import asyncio
import time

from services.dev.child import Child
from services.dev.children import Children
from services.dev.town import MODULES
from services.dev.trouble import Say

MOST, WITHIN = 5, 60.0
"""A service may end this often within so many seconds: more is a fault, not an accident."""
AGAIN = frozenset({"issuer", *MODULES})


async def watch(children: Children, say: Say) -> None:
    """Raises Trouble."""
    ends: dict[str, list[float]] = {}
    while True:
        child = await children.first_to_end()
        name = child.command.name
        recent = [at for at in ends.get(name, []) if time.monotonic() - at < WITHIN]
        if name not in AGAIN or len(recent) >= MOST:
            raise child.trouble(f"died (exit {child.process.returncode})")
        ends[name] = [*recent, time.monotonic()]
        say(f"{name} ended (exit {child.process.returncode}): started again. Its log: {child.log}")
        await asyncio.sleep(min(2.0, 0.2 * 2 ** len(recent)))
        await again(children, child)


async def again(children: Children, child: Child) -> None:
    await children.forget(child)
    await children.start(child.command, up_at_once)


async def up_at_once() -> bool:
    return True
