"""How requests come: all callers as one convoy (closed loop), or at random whatever the system does (open loop, Poisson)."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Ask = Callable[[], Awaitable[None]]
"""One request, seen through to its checked answer. Raises where it is no yes."""


@dataclass
class Run:
    """What became of a number of requests."""

    seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)

    async def one(self, ask: Ask) -> None:
        began = time.perf_counter()
        try:
            await ask()
        except Exception as error:  # noqa: BLE001 - whatever it was, it is counted by its name and shown
            self.failed[str(getattr(error, "code", type(error).__name__))] += 1
        else:
            self.milliseconds.append((time.perf_counter() - began) * 1000)


async def closed(ask: Ask, outstanding: int, count: int) -> Run:
    """Each caller asks again as soon as it was answered, until `count` were asked."""
    run, left, began = Run(), count, time.perf_counter()

    async def caller() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await run.one(ask)

    await asyncio.gather(*(caller() for _ in range(min(outstanding, count))))
    run.seconds = time.perf_counter() - began
    return run


async def poisson(ask: Ask, rate: float, count: int, seed: int = 1) -> Run:
    """Arrivals do not wait for answers. The same seed, the same arrivals: variants are compared under the same load."""
    run, gaps, began = Run(), random.Random(seed), time.perf_counter()  # noqa: S311 - arrivals, no secret
    due, open_ = began, set[asyncio.Task[None]]()
    for _ in range(count):
        due += gaps.expovariate(rate)
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(run.one(ask))
        open_.add(task)
        task.add_done_callback(open_.discard)
    await asyncio.gather(*open_)
    run.seconds = time.perf_counter() - began
    return run
