"""counterfoil: the command line. stdout has data only; everything else is said on stderr, and the exit code says how it ended."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from counterfoil.cli import exits
from counterfoil.client.errors import CounterfoilError

COMPLETING = "_COUNTERFOIL_COMPLETE"
"""Set by the shell's completion script: what follows is a line that is not finished."""

QUICK = {"credential-process": "aws", "exec-credential": "kubectl"}
"""The verbs that other programs start all the time, and the modules that serve them without typer."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    given = list(sys.argv[1:] if arguments is None else arguments)
    running = given[:1] == ["run"]
    try:
        call(given)
        code: int | str | None = 0
    except exits.ChildEnded as child:
        code = child.code
    except CounterfoilError as error:
        code = exits.told(error)
        code = exits.OWN_FAILURE if running else code
    except SystemExit as done:
        code = exits.OWN_FAILURE if running and done.code == exits.USAGE else done.code
    sys.exit(code)


def call(given: list[str]) -> None:
    if given and given[0] in QUICK and "--help" not in given:
        import_module(f"counterfoil.cli.{QUICK[given[0]]}").serve(given[1:])
        return
    try:
        from counterfoil.cli.app import app
    except ModuleNotFoundError as error:
        if error.name != "typer":
            raise
        raise CounterfoilError("no_cli_extra", "the command line needs typer, which is not installed", fix="pip install 'counterfoil[cli]'") from None
    if COMPLETING in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
    app(given, prog_name="counterfoil")


if __name__ == "__main__":
    main()
