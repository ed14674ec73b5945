"""counterfoil audit gaps: the log as the gateway serves it, read from end to end."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import log_keys, options, printing
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output

if TYPE_CHECKING:
    from counterfoil.audit.gaps import Gap
    from counterfoil.cli.session import Session

DOES_NOT_HOLD = 1
Seen = Annotated[Path | None, typer.Option(help="A file of heads seen before: they have to be heads of this log still, and the newest is added.")]


def verb(log_key: log_keys.LogKeys = None, seen: Seen = None, output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL) -> None:
    """Read the whole log from the gateway, and list every break: leaves that are missing, out of order or do not follow, and heads that do not fit.

    With --seen it remembers: a log that was cut back, or written anew, shows against a head of an earlier run. Exit code 1: there are breaks.
    `-o token` prints the index of each.

    \b
    counterfoil audit gaps
    counterfoil audit gaps --seen heads.jsonl -o json
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.session import Session, run

    given, before = log_keys.given(log_key), remembered(seen)
    size, checkpoint, found = run(walk(Session(url, operator=True), given, before))
    show(size, found, output)
    if found:
        say(f"{len(found)} breaks: export the log, keep it, and keep every head that was signed")
        raise typer.Exit(DOES_NOT_HOLD)
    if seen is not None:
        remember(seen, [*before, checkpoint])
    say(f"{size} leaves, no gap; log key: {'given' if given else 'fetched'}")


def remembered(seen: Path | None) -> list[str]:
    from counterfoil.audit.export_file import BadExport, heads

    if seen is None or not seen.exists():
        return []
    try:
        return heads(seen.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, BadExport) as error:
        raise typer.BadParameter(f"{seen} is no file of heads: {type(error).__name__}", param_hint="--seen") from None


def remember(seen: Path, notes: list[str]) -> None:
    from counterfoil.audit.export_file import head_line
    from counterfoil.cli.atomic import written

    with written(seen) as file:
        file.writelines(head_line(note) + "\n" for note in dict.fromkeys(notes))


async def walk(session: "Session", given: list[str], before: list[str]) -> tuple[int, str, list["Gap"]]:
    from counterfoil.audit.gaps import Gaps
    from counterfoil.cli.audit_pages import Pages
    from counterfoil.cli.progress import Progress

    vkeys = await log_keys.or_fetched(session, given)
    async with Pages(session) as pages:
        size, checkpoint = await pages.head()
        gaps, progress = Gaps(vkeys, size, checkpoint, before), Progress("leaves", size)
        async for one in pages.leaves(0, size):
            gaps.leaf(one["index"], one["leaf"].encode())
            progress.at(one["index"])
        progress.end()
        return size, checkpoint, gaps.end()


def show(size: int, found: list["Gap"], output: Output) -> None:
    rows: list[dict[str, Any]] = [{"index": one.index, "code": one.code, "message": one.message} for one in found]
    if output is Output.JSON:
        printing.document({"size": size, "breaks": rows})
    elif output is Output.TOKEN:
        for row in rows:
            printing.line(str(row["index"]))
    elif rows:
        printing.table(rows, ("index", "code", "message"))
