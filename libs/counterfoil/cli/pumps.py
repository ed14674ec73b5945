"""What the child says, on its way to our own stdout and stderr, with the lent values blotted out."""

import asyncio
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from counterfoil.cli.exits import say
from counterfoil.cli.masking import Mask

STDOUT, STDERR = 1, 2
CHUNK = 65536
IDLE = 0.2
"""How long somebody whom the child left behind, with its pipe open, may say nothing before we stop listening."""


@dataclass
class Pump:
    """From `source`, the reading end of the child's pipe, to `target`."""

    source: int
    target: int
    mask: Mask
    passed: int = field(default=0, init=False)
    waiting: bool = field(default=False, init=False)

    async def run(self) -> None:
        reader = asyncio.StreamReader()
        pipe = os.fdopen(self.source, "rb", 0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        with loss_told():
            try:
                while chunk := await self._heard(reader):
                    await asyncio.to_thread(write, self.target, self.mask.feed(chunk))
            finally:
                transport.close()
                write(self.target, self.mask.end())

    async def _heard(self, reader: asyncio.StreamReader) -> bytes:
        self.waiting = True
        chunk = await reader.read(CHUNK)
        self.waiting, self.passed = False, self.passed + len(chunk)
        return chunk


class Outlets:
    """The child's stdout and stderr: our own where they are terminals, else pipes that are pumped."""

    def __init__(self, values: Iterable[str], *, masked: bool) -> None:
        self.values = sorted(values)
        self.ends: dict[int, int] = {}
        """Of each of ours that is no terminal: what the child writes to."""
        self._pumps: list[Pump] = []
        self._running: list[asyncio.Task[None]] = []
        for target in (STDOUT, STDERR) if masked else ():
            if not os.isatty(target):
                self._open(target)

    def _open(self, target: int) -> None:
        """One pipe where both go to the same place, so that their order stays."""
        if STDOUT in self.ends and target == STDERR and same(STDOUT, STDERR):
            self.ends[target] = self.ends[STDOUT]
            return
        source, self.ends[target] = os.pipe()
        self._pumps.append(Pump(source, target, Mask(self.values)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for end in set(self.ends.values()):
            os.close(end)
        self._running = [asyncio.ensure_future(pump.run()) for pump in self._pumps]

    def hide(self, values: Iterable[str]) -> None:
        for pump in self._pumps:
            pump.mask.learn(values)

    async def drained(self) -> None:
        """After the child's end: all that it said is passed on. Whom it left behind is not waited for."""
        running: Sequence[asyncio.Task[None]] = self._running
        while running:
            passed = [pump.passed for pump in self._pumps]
            _, left = await asyncio.wait(running, timeout=IDLE)
            if left and all(pump.waiting for pump, one in zip(self._pumps, self._running, strict=True) if one in left):
                quiet = passed == [pump.passed for pump in self._pumps]
                for one in left if quiet else ():
                    one.cancel()
            running = list(left)
        for one in self._running:
            if not one.cancelled():
                one.result()


@contextmanager
def loss_told() -> Iterator[None]:
    """The pipe is closed then, and the child learns it as it would have without us. That whoever reads us has gone is no news."""
    try:
        yield
    except BrokenPipeError:
        pass
    except OSError as error:
        say(f"counterfoil: output was lost: {error.strerror}")


def same(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:
        return False


def write(target: int, text: bytes) -> None:
    while text:
        text = text[os.write(target, text) :]
