"""counterfoil audit export: the log as a file, for whoever checks it or reads it elsewhere."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from counterfoil.cli import options
from counterfoil.cli.exits import say

if TYPE_CHECKING:
    from counterfoil.cli.session import Session


class Format(StrEnum):
    LEAVES = "leaves"
    OCSF = "ocsf"
    CLOUDEVENTS = "cloudevents"


Number = Annotated[int | None, typer.Option(min=0)]
Line = Callable[[int, str], str]
Range = tuple[int, int | None, str | None, str | None]
"""from, to, since, until."""


def verb(
    from_: Annotated[int, typer.Option("--from", min=0, help="The first leaf.")] = 0,
    to: Annotated[int | None, typer.Option("--to", min=0, help="The leaf to end before. Absent: all.")] = None,
    since: Annotated[str | None, typer.Option(help="Appended since: a time (RFC 3339), or a while ago like 1h.")] = None,
    until: Annotated[str | None, typer.Option(help="Appended before: likewise.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="leaves: what `verify` reads. ocsf, cloudevents: what others read.")] = Format.LEAVES,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The file; it is there whole or not at all. Absent: stdout.")] = None,
    url: options.Url = options.USUAL_URL,
) -> None:
    """Write the log, or a part of it, as JSON lines. `leaves` ends with the signed head, and `counterfoil audit verify` checks it without us.

    \b
    counterfoil audit export -o log.jsonl
    counterfoil audit export --from 5000 -o more.jsonl
    counterfoil audit export --since 1h --format ocsf
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.atomic import written
    from counterfoil.cli.revoke import time_of
    from counterfoil.cli.session import Session, run

    if output is not None and not output.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {output.parent}", param_hint="--output")
    wanted = (from_, to, time_of(since), time_of(until))
    with written(output) if output else nullcontext(stdout()) as file:
        count, size = run(write(Session(url, operator=True), wanted, format_, file))
    say(f"{count} leaves of {size}" + (f" in {output}" if output else ""))


def stdout() -> TextIO:
    import sys

    return sys.stdout


async def write(session: "Session", wanted: Range, format_: Format, file: TextIO) -> tuple[int, int]:
    """How many leaves, and of how many."""
    from counterfoil.audit.export_file import head_line
    from counterfoil.cli.audit_pages import Pages
    from counterfoil.cli.progress import Progress
    from counterfoil.client.errors import CounterfoilError

    async with Pages(session) as pages:
        size, checkpoint = await pages.head()
        first, end = await bounds(pages, wanted, size)
        line, done, progress = lines(format_, checkpoint), first, Progress("leaves", end)
        async for one in pages.leaves(first, end):
            if one["index"] != done:
                raise CounterfoilError("gap", f"the gateway serves leaf {one['index']} where {done} should stand", fix="run `counterfoil audit gaps`")
            file.write(line(one["index"], one["leaf"]) + "\n")
            done += 1
            progress.at(done)
        progress.end()
        if done < end:
            raise CounterfoilError("gap", f"the gateway serves no leaf {done} of {size}", fix="run `counterfoil audit gaps`")
        if format_ is Format.LEAVES:
            file.write(head_line(checkpoint) + "\n")
        return done - first, size


async def bounds(pages: Any, wanted: Range, size: int) -> tuple[int, int]:
    first, end, since, until = wanted
    end = size if end is None else min(end, size)
    if since is not None:
        first = max(first, await pages.first_since(since, size))
    if until is not None:
        end = min(end, await pages.first_since(until, size))
    return first, max(first, end)


def lines(format_: Format, checkpoint: str) -> Line:
    from counterfoil.audit import cloud_events, export_file, ocsf
    from counterfoil.wire.checkpoint import parse

    if format_ is Format.LEAVES:
        return export_file.leaf_line
    event: Any = ocsf.event if format_ is Format.OCSF else cloud_events.event
    origin = parse(checkpoint).origin

    def line(index: int, leaf: str) -> str:
        return json.dumps(event(index, leaf, json.loads(leaf), origin), ensure_ascii=False, separators=(",", ":"))

    return line
