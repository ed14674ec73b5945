"""Every verb as its --help says it: for the page of the command line, and for the tests that call the examples."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from counterfoil.cli.app import app

EXAMPLES = re.compile(r"^[\b]\n(.+?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """`name`: as it is called, like `audit tail`."""

    name: str
    command: Any

    @property
    def text(self) -> str:
        return inspect.cleandoc(str(self.command.help or ""))

    @property
    def prose(self) -> str:
        return EXAMPLES.sub("", self.text).strip()

    @property
    def examples(self) -> list[str]:
        return [line.strip() for block in EXAMPLES.findall(self.text) for line in block.splitlines()]

    @property
    def usage(self) -> str:
        context = typer.Context(self.command, info_name=f"counterfoil {self.name}")
        return " ".join([f"counterfoil {self.name}", *self.command.collect_usage_pieces(context)])

    @property
    def options(self) -> list[tuple[list[str], str]]:
        """What each is called, and what it says of itself. `--help` has them all."""
        found = [one for one in self.command.params if one.param_type_name == "option"]
        return [([*one.opts, *one.secondary_opts], str(one.help or "")) for one in found]


def pages(name: str = "", command: Any = None) -> Iterator[Page]:
    """The leaves of the tree, in its order."""
    command = command or get_command(app)
    if not isinstance(command, TyperGroup):
        yield Page(name, command)
        return
    context = typer.Context(command)
    for one in command.list_commands(context):
        yield from pages(f"{name} {one}".strip(), command.get_command(context, one))
