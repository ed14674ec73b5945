"""How a call ends: what is said on stderr, and the exit code."""

import json
import re
import sys

from counterfoil.client import errors
from counterfoil.client.errors import CounterfoilError

USAGE, UNAVAILABLE = 2, 6
OWN_FAILURE, NOT_EXECUTABLE, NOT_FOUND, SIGNALLED = 125, 126, 127, 128
"""Those of `run`: what is not the child's own."""

CODES: dict[type[CounterfoilError], int] = {
    errors.Denied: 3, errors.ConsentRequired: 3, errors.InstallationRequired: 3, errors.NotFound: 3, errors.Revoked: 3, errors.NoIdentity: 4,
    errors.Rejected: 4, errors.Refused: 5, errors.Unavailable: UNAVAILABLE, errors.RateLimited: UNAVAILABLE,
}  # fmt: skip


class ChildEnded(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def told(error: CounterfoilError) -> int:
    """Say it, and give the code."""
    word = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    say(f"counterfoil: {word}: {error.message} [{error.code}]")
    for name, value in error.extra.items():
        say(f"  {name}: {value if isinstance(value, str) else json.dumps(value)}")
    if isinstance(error, errors.ConsentRequired) and error.url:
        say(f"  url: {error.url}")
    say(f"  fix: {error.fix}")
    found = {"request": error.request_id, "trace": error.trace_id, "stage": error.stage, "leaf": str(error.receipt.index) if error.receipt else None}
    if any(found.values()):
        say("  " + ", ".join(f"{name} {value}" for name, value in found.items() if value))
    return CODES.get(type(error), 1)
