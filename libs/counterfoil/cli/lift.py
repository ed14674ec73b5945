"""counterfoil lift: the fences and blocks that wider revocations leave, listed, and lifted."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from counterfoil.cli import options, printing
from counterfoil.cli.printing import Output

if TYPE_CHECKING:
    from counterfoil.cli.session import V1, Session

COLUMNS = ("name", "kind", "stops", "since")


def verb(
    name: Annotated[str | None, typer.Argument(help="A connector, or the id of a block. Absent: list them.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do.")] = False,
    output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """List what a wider revocation has stopped, or let it go on.

    \b
    counterfoil lift
    counterfoil lift postgres/demo
    counterfoil lift 12281f8a-6973-4c7b-b287-159f992b3e6e
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.session import Session, run

    found = run(go(Session(url, operator=True), name, dry_run))
    if output is Output.JSON:
        printing.document(found)
    elif output is Output.TOKEN:
        for one in found:
            printing.line(one["name"])
    else:
        printing.table(found, COLUMNS)


async def go(session: "Session", name: str | None, dry_run: bool) -> list[dict[str, Any]]:
    """What stands, or of it what was named and is lifted now."""
    async with session.v1() as v1:
        stopped = await standing(v1)
        if name is None:
            return stopped
        chosen = [one for one in stopped if one["name"] == name]
        if not chosen:
            raise typer.BadParameter(f"nothing of that name is stopped: {name}")
        if not dry_run:
            await (v1.delete(f"blocks/{UUID(name)}") if chosen[0]["kind"] == "block" else v1.post(f"connectors/{name}/unfence", {}))
        return chosen


async def standing(v1: "V1") -> list[dict[str, Any]]:
    connectors, blocks = await v1.every("connectors"), await v1.every("blocks")
    fenced = [{"name": one["name"], "kind": "fence", "stops": f"connector={one['name']}"} for one in connectors if one.get("state") != "active"]
    return fenced + [{"name": one["id"], "kind": "block", "stops": stops(one), "since": one.get("since")} for one in blocks]


def stops(block: dict[str, Any]) -> str:
    return " ".join(f"{member}={value}" for member, value in block.items() if member not in ("id", "since") and value is not None)
