"""A load client and what it did to the processes beside it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from services.dev.bench import processes
from services.dev.jars import ROOT

PARTS = ("kafka", "postgres")
BESIDE = ("issuer",)
Pids = Callable[[], Mapping[str, int]]


@dataclass(frozen=True)
class Measured:
    """One run of one load. `cpu`: microseconds for each exchange, by process."""

    done: int
    failed: Mapping[str, int]
    seconds: float
    p50: float
    p99: float
    cpu: Mapping[str, float]

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    @property
    def ours(self) -> float:
        """Of our own services, without the client, Kafka and PostgreSQL."""
        return sum(micros for name, micros in self.cpu.items() if name not in (*PARTS, *BESIDE, "client"))


class Load:
    def __init__(self, process: asyncio.subprocess.Process, pids: Pids) -> None:
        self._process, self._pids = process, pids

    async def closed(self, outstanding: int, count: int) -> Measured:
        return await self._measured({"outstanding": outstanding, "count": count})

    async def open(self, rate: float, count: int) -> Measured:
        return await self._measured({"rate": rate, "count": count})

    async def _measured(self, job: dict[str, Any]) -> Measured:
        before = processes.cpu(self._pids())
        found = await self.told(job)
        after, each = processes.cpu(self._pids()), found["done"]
        if not each:
            raise RuntimeError(f"no request was answered: {found['failed']}")
        cpu = {name: (after[name] - before.get(name, 0)) / each * 1e6 for name in after} | {"client": found["cpu"] / each * 1e6}
        return Measured(found["done"], found["failed"], found["seconds"], found["p50"], found["p99"], cpu)

    async def told(self, what: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018 - it was started with both
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load client died; what it said stands above")
        answer: dict[str, Any] = json.loads(line)
        return answer


@asynccontextmanager
async def load(pids: Pids, door: str, **spec: Any) -> AsyncIterator[Load]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.dev.bench.load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    try:
        client = Load(process, pids)
        await client.told({"door": door, **spec})
        yield client
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
