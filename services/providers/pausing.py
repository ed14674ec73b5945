"""Mint pauses while audit is behind. A refusal is a leaf too: said at once, it would come back at once, and audit would never catch up."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from counterfoil_server.domain.intent import Refuse, Repeat
from services.providers.wanted import Intent, Wanted

Verdict = Intent | Repeat | Refuse
LONGEST, EVERY = 2.0, 0.25
"""Seconds: how long a batch is held, and how often audit's heartbeat is looked at meanwhile."""


async def intended(intend: Callable[[Sequence[Wanted]], Awaitable[list[Verdict]]], wanted: Sequence[Wanted]) -> list[Verdict]:
    """`intend` for each, and again for those that only audit stands against. Whoever is late meanwhile is told so. No lock is held in between."""
    verdicts = await intend(wanted)
    loop = asyncio.get_running_loop()
    until = loop.time() + LONGEST
    while (again := [at for at, verdict in enumerate(verdicts) if behind(verdict)]) and loop.time() < until:
        await asyncio.sleep(EVERY)
        for at, verdict in zip(again, await intend([wanted[at] for at in again]), strict=True):
            verdicts[at] = verdict
    return verdicts


def behind(verdict: Verdict) -> bool:
    return isinstance(verdict, Refuse) and verdict.code == "audit_unavailable"
