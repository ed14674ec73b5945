"""How far long work has come: one line on stderr that is written over, where that is a terminal; elsewhere nothing."""

import sys
import time

EVERY = 0.2


class Progress:
    def __init__(self, what: str, total: int | None = None) -> None:
        self._what, self._total, self._next = what, total, 0.0
        self._shown = sys.stderr.isatty()

    def at(self, done: int) -> None:
        now = time.monotonic()
        if self._shown and now >= self._next:
            self._next = now + EVERY
            of = f" of {self._total} ({100 * done // max(1, self._total)} %)" if self._total is not None else ""
            sys.stderr.write(f"\r{done}{of} {self._what}\x1b[K")
            sys.stderr.flush()

    def end(self) -> None:
        if self._shown and self._next:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
