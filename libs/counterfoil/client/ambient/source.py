"""What a source of identity is: where it is at home, and how it is asked there for a token."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from counterfoil.wire.secret import Secret

if TYPE_CHECKING:  # httpx takes longer to import than all the rest, and only what is used is imported
    import httpx

MOST = 64 * 1024
"""Far more than any gateway takes: what is larger is not a token."""
Open = Callable[[bool, str | None], "httpx.AsyncClient"]


class Failed(Exception):
    """This is where we are, and it gave no token. Says what to do, and nothing of what was sent or answered."""

    def __init__(self, why: str, fix: str) -> None:
        super().__init__(why)
        self.why, self.fix = why, fix


@dataclass(frozen=True)
class Around:
    """All that a source may look at. `open` makes its HTTP client: whether it is near (no proxy), and a unix socket to speak over."""

    env: Mapping[str, str]
    root: Path = Path("/")
    open: Open | None = None

    def at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def line(self, path: str) -> str:
        """The first line of a small file; empty where there is none."""
        try:
            with self.at(path).open(encoding="ascii", errors="replace") as file:
                return file.readline(256).strip()
        except OSError:
            return ""


@dataclass(frozen=True)
class Source:
    name: str
    missing: Callable[[Around], str | None]
    """Why this is not where we are; None: it is. Looks at variables and files only, never at a network."""
    token: Callable[[Around, str], Awaitable[Secret | str]]
    """Asked for this audience. Raises Failed."""


def unset(around: Around, *names: str) -> str | None:
    """None where any of them is set."""
    if any(around.env.get(name) for name in names):
        return None
    return f"{' or '.join(names)} is not set" if len(names) < 3 else f"none of {', '.join(names)} is set"


def from_file(path: Path, named: str, fix: str) -> str:
    """Read each time: whoever puts it there renews it."""
    try:
        with path.open(encoding="ascii") as file:
            return file.read(MOST)
    except OSError as error:
        raise Failed(f"{named}: {path} cannot be read: {error.strerror}", fix) from None
    except UnicodeDecodeError:
        pass
    raise Failed(f"{named}: {path} holds no token", "it must hold one JWT and nothing else")
