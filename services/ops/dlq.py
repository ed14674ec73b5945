"""counterfoil dlq: what no one could read, and what is done about it."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from counterfoil.cli import options, printing
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output
from counterfoil.cli.verbs import QUIET
from counterfoil_server.runtime import dead_letters
from counterfoil_server.runtime.dead_letters import Letter
from counterfoil_server.runtime.store.dead_letters import known
from services.ops.dlq_letters import lying, noted, on_kafka, wanted
from services.ops.keys import on_database

COLUMNS = ("place", "at", "code", "by", "origin", "bytes")
app = typer.Typer(no_args_is_help=True, add_completion=False, **QUIET)
Places = Annotated[list[str], typer.Argument(help="As `counterfoil dlq ls` names them: topic:partition:offset.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Say which, and do nothing.")]
Why = Annotated[str, typer.Option("--reason", help="It stands in the audit log.")]


@app.callback()
def dlq() -> None:
    """Dead letters: list them, read one, put them back or give them up. Each act is a record of the audit log.

    COUNTERFOIL_DATABASE is the role ops; COUNTERFOIL_KAFKA and its _USERNAME the principal that may read the graves (redrive).
    """


@app.command()
def ls(
    topic: Annotated[str | None, typer.Option(help="Of this topic alone, such as exchange.requested.v1.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that something was done about.")] = False,
    output: options.Show = Output.TABLE,
) -> None:
    """List what lies there, the oldest first.

    \b
    counterfoil dlq ls
    counterfoil dlq ls --topic exchange.requested.v1 -o json
    """  # noqa: D301 \b keeps lines as they are
    found = lying(topic)
    if not everything:
        over = on_database(lambda db: known(db, dead_letters.names()))
        found = [one for one in found if one.place not in over]
    rows = [row(one) for one in found]
    if output is Output.JSON:
        printing.document({"dead_letters": rows})
    elif output is Output.TOKEN:
        for one in rows:
            printing.line(one["place"])
    elif rows:
        printing.table(rows, COLUMNS)
    if not rows:
        say("no dead letters")


@app.command()
def show(place: Annotated[str, typer.Argument(help="topic:partition:offset")], output: options.Show = Output.TABLE) -> None:
    """Show one letter: why it was buried, its headers, its bytes. Tokens in it are sealed, and stay so.

    \b
    counterfoil dlq show exchange.requested.v1:0:12
    """  # noqa: D301 \b keeps lines as they are
    one = wanted([place])[0]
    headers = {name: value.decode("utf-8", "backslashreplace") for name, value in one.headers.items()}
    printing.one({**row(one), "headers": headers, "value": one.value.decode("utf-8", "backslashreplace")}, output, "value")


@app.command()
def redrive(places: Places, dry_run: Dry = False, reason: Why = "put back") -> None:
    """Put letters back on the topic they came from. Readers check them as they did before: an expired request is never minted.

    \b
    counterfoil dlq redrive exchange.requested.v1:0:12
    counterfoil dlq redrive exchange.requested.v1:0:12 exchange.requested.v1:3:4 --reason "the new version reads them"
    """  # noqa: D301 \b keeps lines as they are
    found = wanted(places)
    if not dry_run:
        noted(found, "redriven", reason)
        on_kafka(lambda kafka: dead_letters.put_back(kafka, found))
    told(found, "would be put back" if dry_run else "put back")


@app.command()
def discard(places: Places, reason: Annotated[str, typer.Option("--reason", help="It stands in the audit log.")], dry_run: Dry = False) -> None:
    """Give letters up. They stay on their topic until it lets go of them, and are listed no more.

    \b
    counterfoil dlq discard exchange.requested.v1:0:12 --reason "a scanner's garbage"
    """  # noqa: D301 \b keeps lines as they are
    found = wanted(places)
    if not dry_run:
        noted(found, "discarded", reason)
    told(found, "would be given up" if dry_run else "given up")


def row(one: Letter) -> dict[str, Any]:
    return {
        "place": str(one.place), "at": one.at.isoformat(timespec="seconds"), "code": one.code, "by": one.by,
        "origin": f"{one.origin[0]}:{one.origin[1]}", "bytes": len(one.value),
    }  # fmt: skip


def told(found: Sequence[Letter], what: str) -> None:
    for one in found:
        printing.line(str(one.place))
    say(f"{len(found)} {what}")
