"""The tree of verbs. Importing it imports typer, which is most of what `--help` waits for."""

from typing import Annotated

import typer

from counterfoil.cli.verbs import QUIET, Verbs

app = typer.Typer(no_args_is_help=True, add_completion=False, **{**QUIET, "cls": Verbs})


def version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version as installed

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
