"""Trouble: what is wrong, and what to do about it. Shown to a person without a traceback."""

from collections.abc import Callable

Say = Callable[[str], None]
"""Where progress goes: a line for a person who waits."""


class Trouble(Exception):
    """Something that its reader can put right."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}\n  What to do: {fix}")
        self.what = what
        self.fix = fix
