"""Trouble: what is wrong, and what to do about it. Shown to a person without a traceback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[str], None]
"""Where progress goes: a line for a person who waits."""


class Trouble(Exception):
    """Something that its reader can put right."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}\n  What to do: {fix}")
        self.what = what
        self.fix = fix


@contextmanager
def told(what: str, fix: str, *errors: type[BaseException]) -> Iterator[None]:
    """These errors are trouble. Their kind is said and their text is not: it may quote a DSN."""
    try:
        yield
    except errors as error:
        raise Trouble(f"{what} ({type(error).__name__})", fix) from None
