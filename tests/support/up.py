"""`make up` as a person has it: one process, what it prints, and the commands of its card in a shell."""

import asyncio
import json
import os
import shlex
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.dev import pids
from services.dev.jars import ROOT
from services.dev.ports import free_port
from services.dev.settings import PORTS, variable
from tests.support.runs import PATIENCE, Run, run

LAST_LINE = "Ctrl-C ends everything"
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "COUNTERFOIL_CACHE", "COUNTERFOIL_APART", "HTTPS_PROXY", "SSL_CERT_FILE")


def shell() -> dict[str, str]:
    """A new terminal: nothing of this test run's own settings."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@dataclass
class Up:
    """One folder and its ports, over several runs."""

    folder: Path
    ports: Mapping[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)
    _run: Run | None = None

    @property
    def run(self) -> Run:
        assert self._run is not None
        return self._run

    @property
    def card(self) -> str:
        return "".join(self.run.said)

    @property
    def env(self) -> dict[str, str]:
        return shell() | {variable(name): str(port) for name, port in self.ports.items()}

    async def start(self, until: str = LAST_LINE) -> None:
        self._run = await self._open.enter_async_context(self.beside(self.folder))
        await self.run.until(until)

    @asynccontextmanager
    async def beside(self, folder: Path) -> AsyncIterator[Run]:
        """Another run on the same ports."""
        async with run("-m", "services.dev.app", "--folder", str(folder), env=self.env) as other:
            yield other

    async def close(self) -> None:
        if self._run and self._run.process.returncode is None:
            await self._run.ended(signal.SIGTERM)
        await self._open.aclose()

    @property
    def exports(self) -> str:
        """What the card says to type first."""
        return "\n".join(line.strip() for line in self.card.splitlines() if line.startswith("  export "))

    @property
    def printed(self) -> list[str]:
        """Its commands, as they stand."""
        return [line.strip() for line in self.card.splitlines() if line.startswith("  ./counterfoil")]

    async def type(self, command: str) -> Done:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", f"{self.exports}\n{command}", cwd=ROOT, env=shell(), stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
        return Done(process.returncode or 0, out.decode(), err.decode())

    async def counterfoil(self, *arguments: str) -> Any:
        """Its JSON. The command has to be a success."""
        done = await self.type(shlex.join(["./counterfoil", *arguments, "-o", "json"]))
        assert done.code == 0, done.err
        return json.loads(done.out)

    async def leaves(self) -> list[dict[str, Any]]:
        done = await self.type("./counterfoil audit tail -n 500 -o json")
        assert done.code == 0, done.err
        return [json.loads(line) for line in done.out.splitlines()]


def family(pid: int) -> dict[int, str]:
    """All below a process, with when each was born: a pid alone may be somebody else's a moment later."""
    below: dict[int, str] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
        if parent == pid and (born := pids.born(child := int(status.parent.name))):
            below |= {child: born} | family(child)
    return below


def living(of: Mapping[int, str]) -> list[str]:
    return [pids.command_line(pid) for pid, born in of.items() if pids.born(pid) == born]
