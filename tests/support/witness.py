"""A witness as whoever runs one has it: a process of its own, told by its environment, killed if need be."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from services.dev.ports import HOST, free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 30
TLS = httpx.create_ssl_context()
"""Made once: each client would make its own, which takes longer than its question."""


@dataclass
class Running:
    process: asyncio.subprocess.Process
    url: str
    vkey: str

    async def add(self, body: bytes) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE, verify=TLS) as http:
            return await http.post(f"{self.url}/add-checkpoint", content=body)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.returncode is None:
            self.process.send_signal(number)
        await asyncio.wait_for(self.process.communicate(), PATIENCE)
        return self.process.returncode or 0


def environment(folder: Path, port: int, *vkeys: str, name: str = "witness.test/w1") -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath), "PYTHONUNBUFFERED": "1", "COUNTERFOIL_WITNESS_NAME": name,
        "COUNTERFOIL_WITNESS_STATE": str(folder), "COUNTERFOIL_WITNESS_LOGS": " ".join(vkeys), "COUNTERFOIL_WITNESS_PORT": str(port),
    }  # fmt: skip


async def spawned(env: Mapping[str, str]) -> asyncio.subprocess.Process:
    argv, pipe = (sys.executable, "-m", "services.witness.app"), asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*argv, env=dict(env), cwd=ROOT, stdout=pipe, stderr=asyncio.subprocess.STDOUT)


async def ended(env: Mapping[str, str]) -> tuple[int, str]:
    """One that has to end by itself: its exit code and its last words."""
    process = await spawned(env)
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode or 0, out.decode()


async def started(env: Mapping[str, str]) -> Running:
    process, url = await spawned(env), f"http://{HOST}:{env['COUNTERFOIL_WITNESS_PORT']}"
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE), httpx.AsyncClient(trust_env=False, verify=TLS) as http:
        said = json.loads(await process.stdout.readline())
        assert said["message"] == "started", said
        while True:
            try:
                await http.get(f"{url}/readyz")
                return Running(process, url, said["kid"])
            except httpx.TransportError:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def running(folder: Path, *vkeys: str, name: str = "witness.test/w1") -> AsyncIterator[Running]:
    found = await started(environment(folder, free_port(), *vkeys, name=name))
    try:
        yield found
    finally:
        await found.end()
