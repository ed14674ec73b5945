"""Pid files: which process a killed run left behind, surely, and its end."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 10.0


def born(pid: int) -> str | None:
    """When the process began, or None if it is dead. A pid alone proves nothing: it may have been given to another process since."""
    if not sys.platform.startswith("linux"):
        return _ps("lstart", pid) or None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, ticks = fields[0], fields[19]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return None if state in "ZX" else f"{boot}/{ticks}"


def command_line(pid: int) -> str:
    """What the process was called with; empty if it is dead."""
    if not sys.platform.startswith("linux"):
        return _ps("args", pid)
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _ps(column: str, pid: int) -> str:
    command = ["ps", "-ww", "-o", f"{column}=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@dataclass(frozen=True, slots=True)
class Noted:
    """A process as its pid file names it, and the signal that asks it to end."""

    pid: int
    born: str
    stop: int

    @property
    def alive(self) -> bool:
        return born(self.pid) == self.born

    def kill(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


def note(file: Path, pid: int, stop: signal.Signals) -> None:
    """Write a pid file, whole or not at all."""
    if when := born(pid):
        draft = file.with_suffix(".new")
        draft.write_text(f"{pid} {int(stop)} {when}\n")
        draft.replace(file)


def noted(file: Path) -> Noted | None:
    """The living process that a pid file names."""
    try:
        pid, stop, when = file.read_text().strip().split(" ", 2)
        process = Noted(int(pid), when, int(stop))
    except (OSError, ValueError):
        return None
    return process if process.alive else None


async def end_leftover(file: Path) -> None:
    """End what a killed run left: politely, then not."""
    if process := noted(file):
        process.kill(process.stop)
        if not await _gone(process):
            process.kill(signal.SIGKILL)
            await _gone(process)
    file.unlink(missing_ok=True)


async def _gone(process: Noted) -> bool:
    for _ in range(int(PATIENCE / 0.05)):
        if not process.alive:
            return True
        await asyncio.sleep(0.05)
    return False
