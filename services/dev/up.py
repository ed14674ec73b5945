"""counterfoil up: what `make up` runs. The verb is there in the source tree only."""

import os
from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli.verbs import QUIET

app = typer.Typer(add_completion=False, **QUIET)
ROOT = Path(__file__).parents[2]


@app.command()
def up(folder: Annotated[Path, typer.Option(help="Data, keys and logs.", show_default="<checkout>/.counterfoil")] = ROOT / ".counterfoil") -> None:
    """Run Kafka, PostgreSQL, a local issuer and every service on this machine, until Ctrl-C. The data stays.

    \b
    counterfoil up
    counterfoil up --folder /tmp/other
    """  # noqa: D301 \b keeps lines as they are
    from services.dev import app as dev  # noqa: PLC0415 --help waits for none of it
    from services.dev.running import run  # noqa: PLC0415 see above

    raise typer.Exit(run(dev.up(folder.absolute(), os.environ)))
