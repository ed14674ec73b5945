"""`python -m services.ops`: the server verbs where no `counterfoil` is installed, in an image say, and what makes an installation ready."""

import asyncio
import os

import typer

from counterfoil.cli.verbs import QUIET
from counterfoil_server.runtime.starting import told
from services.ops import audit, dlq, keys, setup

app = typer.Typer(no_args_is_help=True, add_completion=False, **QUIET)
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(dlq.app, name="dlq")


@app.callback()
def ops() -> None:
    """What is done to an installation, and not by it."""


@app.command("setup")
def setup_() -> None:
    """Make topics, tables, roles and keys that are missing. Everything it needs to know it has from its environment.

    \b
    python -m services.ops setup
    """  # noqa: D301 \b keeps lines as they are
    with told("ops"):
        made = asyncio.run(setup.make(setup.Wanted.read(os.environ)))
    typer.echo(", ".join(f"{count} {what}" for what, count in made.items()) + " made")


if __name__ == "__main__":
    app(prog_name="python -m services.ops")
