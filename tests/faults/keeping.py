"""What an orchestrator does: a service that ends is started again, and how often that was is counted."""

import asyncio
from collections import Counter

from services.dev.children import Children
from services.dev.supervision import up_at_once

LONGEST = 2.0
"""Seconds of waiting before one that ends again and again is started once more."""


class Keeper:
    """`away`: who shall stay away for now. `again`: who ended uninvited, and how often."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self.away: set[str] = set()
        self.again: Counter[str] = Counter()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            ended = [one for one in self._children._started if one.process.returncode is not None and one.command.name not in self.away]
            for child in ended:
                self.again[child.command.name] += 1
                await asyncio.sleep(min(LONGEST, 0.05 * 2 ** self.again[child.command.name]))
                await self._children.forget(child)
                await self._children.start(child.command, up_at_once)
