"""counterfoil audit: the log, as operators read it."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import audit_export, audit_gaps, audit_proof, audit_show, audit_verify, options, printing
from counterfoil.cli.audit_group import AuditVerbs
from counterfoil.cli.leaf import COLUMNS, row
from counterfoil.cli.printing import Output
from counterfoil.cli.verbs import QUIET

if TYPE_CHECKING:
    from counterfoil.cli.session import V1, Session

verb = typer.Typer(no_args_is_help=True, add_completion=False, **{**QUIET, "cls": AuditVerbs})
WIDTHS = (8, 27, 22, 30, 24)
PAGE, EVERY = "500", 1.0


@verb.callback()
def audit() -> None:
    """Read the audit log, and prove it."""


@verb.command()
def tail(
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, max=500, help="How many of the last leaves.")] = 20,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what comes.")] = False,
    output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Show the last leaves: who asked for what, and what became of it. `-o token` prints each leaf's exact bytes.

    \b
    counterfoil audit tail -f
    counterfoil audit tail -n 100 -o json | jq .leaf.fact.kind
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.session import Session, run

    session = Session(url, operator=True)
    if output is Output.TABLE:
        printing.line(columns([name.upper() for name in COLUMNS]))
    run(read(session, lines, follow, output))


async def read(session: "Session", lines: int, follow: bool, output: Output) -> None:
    import asyncio

    async with session.v1() as v1:
        last = show((await v1.get("audit/leaves", limit=str(lines)))["leaves"], output, -1)
    while follow:
        await asyncio.sleep(EVERY)
        async with session.v1() as v1:  # an identity lives for minutes, and somebody may follow for days
            last = await catch_up(v1, last, output)


async def catch_up(v1: "V1", last: int, output: Output) -> int:
    while leaves := (await v1.get("audit/leaves", after=str(last), limit=PAGE))["leaves"]:
        last = show(leaves, output, last)
    return last


def show(leaves: list[dict[str, Any]], output: Output, last: int) -> int:
    for one in leaves:
        if output is Output.TOKEN:
            printing.line(one["leaf"])
        elif output is Output.JSON:
            printing.line(json.dumps({"index": one["index"], "leaf": json.loads(one["leaf"])}, ensure_ascii=False))
        else:
            printing.line(columns(row(one["index"], json.loads(one["leaf"]))))
        last = one["index"]
    return last


def columns(cells: list[str]) -> str:
    """Fixed widths: what comes later shall stand below."""
    return "  ".join([*(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=False)), cells[-1]]).rstrip()


for name, one in (
    ("show", audit_show.verb),
    ("export", audit_export.verb),
    ("verify", audit_verify.verb),
    ("prove", audit_proof.prove),
    ("verify-proof", audit_proof.verify_proof),
    ("gaps", audit_gaps.verb),
):
    verb.command(name)(one)
