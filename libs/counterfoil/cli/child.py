"""The child of `run`: spawned, since who replaces itself by it could not revoke afterwards; signals are passed on."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Self

from counterfoil.cli.exits import NOT_EXECUTABLE, NOT_FOUND, OWN_FAILURE, SIGNALLED, ChildEnded, say
from counterfoil.cli.pumps import STDERR, STDOUT, Outlets

ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})
PASSED_ON = (*sorted(ENDING), signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH)
OF_THE_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH})
"""A terminal gives these to the child itself."""
GRACE = 10.0
"""Seconds that a child which is to be restarted has to end by itself."""


class Child:
    def __init__(self, process: asyncio.subprocess.Process, outlets: Outlets) -> None:
        self._process, self._outlets = process, outlets
        self._ending = asyncio.ensure_future(self._ended())

    async def _ended(self) -> int:
        code = await self._process.wait()
        await self._outlets.drained()
        return code if code >= 0 else SIGNALLED - code

    def hide(self, values: Iterable[str]) -> None:
        """Blot these out too, from here on."""
        self._outlets.hide(values)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def end(self, within: float | None = None) -> int | None:
        """Its exit code; None if it has not ended by then."""
        done, _ = await asyncio.wait([self._ending], timeout=within)
        return self._ending.result() if done else None

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def stop(self) -> int:
        self.send(signal.SIGTERM)
        code = await self.end(GRACE)
        if code is None:
            self.send(signal.SIGKILL)
            code = await self._ending
        return code


class Signals:
    """From the first moment on: one that comes while there is no child ends the whole, what has been lent by then is given back."""

    def __init__(self) -> None:
        self.child: Child | None = None
        self.code = OWN_FAILURE
        self.ending = False
        """Whether we were told to end: then nothing is begun anew."""
        self._ours = asyncio.current_task()

    def __enter__(self) -> Self:
        for number in PASSED_ON:
            asyncio.get_running_loop().add_signal_handler(number, self._on, number)
        return self

    def __exit__(self, *_: object) -> None:
        for number in PASSED_ON:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _on(self, number: signal.Signals) -> None:
        if number in ENDING:
            first, self.ending = not self.ending, True
            if self.child is None and first and self._ours is not None:
                self.code = SIGNALLED + number
                self._ours.cancel()
        if self.child is not None and self.child.alive and not (number in OF_THE_TERMINAL and sys.stdin.isatty()):
            self.child.send(number)


async def spawn(command: Sequence[str], env: Mapping[str, str], values: Iterable[str], *, masked: bool) -> Child:
    outlets = Outlets(values, masked=masked)
    try:
        with outlets:
            ends = outlets.ends
            process = await asyncio.create_subprocess_exec(*command, env=env, stdout=ends.get(STDOUT), stderr=ends.get(STDERR))
    except FileNotFoundError:
        say(f"counterfoil: {command[0]}: not found")
        raise ChildEnded(NOT_FOUND) from None
    except OSError as error:
        say(f"counterfoil: {command[0]}: {os.strerror(error.errno or 0)}")
        raise ChildEnded(NOT_EXECUTABLE) from None
    return Child(process, outlets)
