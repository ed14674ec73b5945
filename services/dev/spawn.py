"""Starting a process that cannot outlive us: what is done between fork and exec."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
MOST_LOG = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Command:
    """What to run and how it ends: by `stop` when we ask, by `orphan` when we die without asking (Linux only).

    Those that end `beside` each other do so before the others, which end one by one, the last one first.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    uid: int | None = None
    stop: signal.Signals = signal.SIGTERM
    orphan: signal.Signals = signal.SIGKILL
    patience: float = 60.0
    beside: bool = False


def tied_to_us(orphan: signal.Signals) -> Callable[[], None] | None:
    """Have the kernel send the child this signal when we die, however we die."""
    if not sys.platform.startswith("linux"):
        return None
    libc, us = ctypes.CDLL(None), os.getpid()

    def tie() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(orphan), 0, 0, 0)
        if os.getppid() != us:  # we died before the line above
            os._exit(1)

    return tie


def open_log(file: Path) -> IO[bytes]:
    """A log to append to; a long one of earlier runs is put aside first."""
    if file.exists() and file.stat().st_size > MOST_LOG:
        file.replace(file.with_suffix(".log.old"))
    return file.open("ab")


async def spawn(command: Command, log: IO[bytes]) -> asyncio.subprocess.Process:
    """Start it in a session of its own: Ctrl-C in the terminal reaches us alone, and we end the children in order."""
    return await asyncio.create_subprocess_exec(
        *command.argv,
        env=dict(command.env),
        cwd=command.cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=tied_to_us(command.orphan),
        user=command.uid,
        group=command.uid,
        extra_groups=None if command.uid is None else [],
    )
