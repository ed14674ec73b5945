"""A load client, a process of its own: what it is on the first line of stdin, then a job per line; each line of stdout is an answer.

It runs apart from whoever measures, so that neither's work is counted as the other's.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from services.dev.bench import bus_door, http_door, relay_door, sdk_door
from services.dev.bench.arrivals import Ask, Run, closed, poisson
from services.dev.bench.spread import percentile

Door = Callable[..., AbstractAsyncContextManager[Ask]]
DOORS: dict[str, Door] = {"bus": bus_door.door, "sdk": sdk_door.door, "http": http_door.door, "relay": relay_door.door}


def opened(spec: dict[str, Any]) -> AbstractAsyncContextManager[Ask]:
    return DOORS[spec.pop("door")](**spec)


async def do(ask: Ask, job: dict[str, Any]) -> dict[str, Any]:
    cpu = time.process_time()
    run = await (poisson(ask, job["rate"], job["count"]) if "rate" in job else closed(ask, job["outstanding"], job["count"]))
    return told(run, time.process_time() - cpu)


def told(run: Run, cpu: float) -> dict[str, Any]:
    times = sorted(run.milliseconds)
    found = {"done": len(times), "failed": dict(run.failed), "seconds": run.seconds, "cpu": cpu}
    return found | {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99)}


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def heard() -> dict[str, Any] | None:
    line = await asyncio.to_thread(sys.stdin.readline)
    return json.loads(line) if line.strip() else None


async def main() -> None:
    spec = await heard()
    if spec is None:
        return
    async with opened(spec) as ask:
        say({"ready": True})
        while (job := await heard()) is not None:
            say(await do(ask, job))


if __name__ == "__main__":
    asyncio.run(main())
