"""Questions to whoever sits at the terminal. They stand on stderr: stdout is data only."""

import getpass
import sys

import typer

from counterfoil.cli.exits import CODES, say
from counterfoil.client.errors import Denied


def interactive() -> bool:
    return sys.stdin.isatty()


def agreed(question: str, *, yes: bool) -> None:
    """Nobody there to ask is no no: a script has said what it wants."""
    if not yes and interactive() and asked(f"{question} [y/N]").lower() not in ("y", "yes"):
        say("nothing was changed")
        raise typer.Exit(CODES[Denied])


def asked(question: str, usual: str = "") -> str:
    sys.stderr.write(f"{question}{f' [{usual}]' if usual else ''}: ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise typer.Abort
    return line.strip() or usual


def asked_secretly(question: str) -> str:
    return getpass.getpass(f"{question}: ", stream=sys.stderr)
