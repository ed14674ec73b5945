"""counterfoil: the command line. stdout has data only; everything else is said on stderr, and the exit code says how it ended."""

import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from counterfoil.cli import exits
from counterfoil.cli.verbs import QUIET, Verbs
from counterfoil.client.errors import CounterfoilError

app = typer.Typer(cls=Verbs, no_args_is_help=True, **QUIET)


def version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version as installed  # noqa: PLC0415 nobody else waits for it

        typer.echo(f"counterfoil {installed('counterfoil')}")
        raise typer.Exit


@app.callback(epilog="Exit codes: 0 ok, 2 usage, 3 denied, 4 no identity or rejected, 5 refused by the provider, 6 unavailable or too late.")
def counterfoil(
    *, version: Annotated[bool, typer.Option("--version", callback=version, is_eager=True, help="Say which version this is.")] = False
) -> None:
    """Lend credentials. Keep the counterfoil.

    \b
    counterfoil get postgres/demo -o token
    counterfoil run -c postgres/demo -- psql -c 'select current_user'
    counterfoil audit tail
    """  # noqa: D301 \b keeps lines as they are


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    given = list(sys.argv[1:] if arguments is None else arguments)
    running = given[:1] == ["run"]
    try:
        app(given, prog_name="counterfoil")
    except exits.ChildEnded as child:
        code: int | str | None = child.code
    except CounterfoilError as error:
        code = exits.told(error)
        code = exits.OWN_FAILURE if running else code
    except SystemExit as done:
        code = exits.OWN_FAILURE if running and done.code == exits.USAGE else done.code
    sys.exit(code)


if __name__ == "__main__":
    main()
