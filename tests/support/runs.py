"""Runs of the embedded parts in processes of their own, to be killed as a user's run may be killed."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from services.dev.jars import ROOT

PATIENCE = 90


class Run:
    """One process, and the lines it has said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []

    async def until(self, word: str) -> str:
        """Read on to the line that has the word."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while line := (await self.process.stdout.readline()).decode():
                self.said.append(line)
                if word in line:
                    return line
        raise AssertionError(f"{word!r} was never said: {''.join(self.said)}")

    async def ended(self, number: signal.Signals) -> int:
        """Send the signal; the exit code."""
        self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def run(*argv: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Run]:
    """`python argv…` with the tree importable; killed at the end if it still lives."""
    pipe, joined = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    process = await asyncio.create_subprocess_exec(sys.executable, *argv, cwd=ROOT, env=env, stdout=pipe, stderr=joined)
    try:
        yield Run(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def pid_in(folder: Path, name: str) -> int:
    """The pid of a child, as its pid file has it."""
    return int((folder / "run" / f"{name}.pid").read_text().split()[0])
