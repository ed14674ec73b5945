"""The child processes of one run: started one by one, watched, and ended in reverse order."""

import asyncio
import fcntl
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, NoReturn, Self, TypeVar

from services.dev import pids
from services.dev.child import Child
from services.dev.folders import closed
from services.dev.spawn import Command, open_log, spawn
from services.dev.trouble import Trouble

Ready = Callable[[], Awaitable[bool]]
T = TypeVar("T")


class Children:
    """The processes that live in one folder (`logs/`, `run/`). One run at a time may claim it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.run = folder / "run"
        self._started: list[Child] = []
        self._lock: IO[str] | None = None

    async def __aenter__(self) -> Self:
        """Claim the folder, and end what a killed run left in it."""
        for folder in (self.folder, self.logs, self.run):
            closed(folder)
        self._lock = claim(self.run / "lock")
        for file in sorted(self.run.glob("*.pid")):
            await pids.end_leftover(file)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()
        if self._lock:
            self._lock.close()

    async def start(self, command: Command, ready: Ready) -> Child:
        """Start it and wait until it is ready; an early death is an error that shows its last lines."""
        child = await self._spawn(command)
        until = time.monotonic() + command.patience
        while not await ready():
            if child.process.returncode is not None:
                raise child.trouble(f"ended at once (exit {child.process.returncode})")
            if time.monotonic() > until:
                raise child.trouble(f"is not ready after {command.patience:.0f} s")
            await asyncio.sleep(0.05)
        return child

    async def finish(self, command: Command) -> None:
        """Run it to its end, which must be a good one."""
        child = await self._spawn(command)
        with suppress(TimeoutError):
            await asyncio.wait_for(child.process.wait(), command.patience)
        await self._end(child)
        if child.process.returncode != 0:
            raise child.trouble(f"failed (exit {child.process.returncode})")

    def pids(self) -> dict[str, int]:
        """By name; of a part that runs in processes of its own, the first of them."""
        return {child.command.name: child.process.pid for child in self._started}

    async def died(self) -> NoReturn:
        """Wait for the first child that ends uninvited, and say which."""
        child = await self.first_to_end()
        raise child.trouble(f"died (exit {child.process.returncode})")

    async def first_to_end(self) -> Child:
        waits = {asyncio.create_task(child.process.wait()): child for child in self._started}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return waits[done.pop()]

    async def forget(self, child: Child) -> None:
        """One that has ended, before it is started again."""
        await self._end(child)

    async def stop(self) -> None:
        """End all. Whoever cannot wait for that (a second Ctrl-C) has them killed."""
        try:
            await together(*(self._end(child) for child in self._started if child.command.beside))
            while self._started:
                await self._end(self._started[-1])
        finally:
            for child in self._started:
                child.kill()

    async def _spawn(self, command: Command) -> Child:
        log = self.logs / f"{command.name}.log"
        with open_log(log) as out:
            start = out.tell()
            child = Child(command, await spawn(command, out), log, start)
        self._started.append(child)
        pids.note(self._pid_file(child), child.process.pid, command.stop)
        return child

    async def _end(self, child: Child) -> None:
        await child.end()
        self._started.remove(child)
        self._pid_file(child).unlink(missing_ok=True)

    def _pid_file(self, child: Child) -> Path:
        return self.run / f"{child.command.name}.pid"


def claim(file: Path) -> IO[str]:
    """Lock the folder for this run. The kernel frees the lock when we die, so it is never stale."""
    lock = file.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        owner = lock.read().strip()
        raise Trouble(f"{file.parent.parent} is in use by process {owner}", f"stop that run first (kill {owner}).") from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


async def together(*work: Awaitable[T]) -> list[T]:
    """All at once. The first trouble ends the others before it is told, so that nobody starts a child after the last one was ended."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
