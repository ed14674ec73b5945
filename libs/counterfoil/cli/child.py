"""The child of `run`: spawned, since who replaces itself by it could not revoke afterwards; signals are passed on."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

from counterfoil.cli.exits import NOT_EXECUTABLE, NOT_FOUND, OWN_FAILURE, SIGNALLED, say

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
OF_THE_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT})
"""A terminal gives these to the child itself."""


class Signals:
    """From the first moment on: one that comes before the child is there ends the whole, what has been lent by then is given back."""

    def __init__(self) -> None:
        self.child: asyncio.subprocess.Process | None = None
        self.code = OWN_FAILURE
        self._ours = asyncio.current_task()
        self._ended = False

    def __enter__(self) -> Self:
        for number in PASSED_ON:
            asyncio.get_running_loop().add_signal_handler(number, self._on, number)
        return self

    def __exit__(self, *_: object) -> None:
        for number in PASSED_ON:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _on(self, number: signal.Signals) -> None:
        if self.child is not None:
            if self.child.returncode is None and not (number in OF_THE_TERMINAL and sys.stdin.isatty()):
                with suppress(ProcessLookupError):
                    self.child.send_signal(number)
        elif not self._ended and self._ours is not None:
            self._ended = True
            self.code = SIGNALLED + number
            self._ours.cancel()


async def spawn(command: Sequence[str], env: Mapping[str, str], signals: Signals) -> int:
    try:
        signals.child = await asyncio.create_subprocess_exec(*command, env=env)
    except FileNotFoundError:
        say(f"counterfoil: {command[0]}: not found")
        return NOT_FOUND
    except OSError as error:
        say(f"counterfoil: {command[0]}: {os.strerror(error.errno or 0)}")
        return NOT_EXECUTABLE
    code = await signals.child.wait()
    return code if code >= 0 else SIGNALLED - code
