"""counterfoil grants: what users agreed to, listed, and ended."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from counterfoil.cli import options, predicates, printing
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output

if TYPE_CHECKING:
    from counterfoil.cli.session import Session

COLUMNS = ("grant_id", "connector", "project", "environment", "state", "scopes", "given_at", "used_at")


def verb(
    connector: predicates.Connector = None, project: predicates.Project = None, environment: predicates.Environment = None,
    user: options.OnBehalf = None, user_issuer: options.KnownBy = None,
    end: Annotated[UUID | None, typer.Option("--end", help="End this one, and all that is lent under it.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="As yourself: those of your own project and environment only.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """List what users agreed to, the newest first, or end it: they have to agree again before anything is lent on their behalf.

    \b
    counterfoil grants --connector oauth2/crm --user u-17
    counterfoil grants --end 12281f8a-6973-4c7b-b287-159f992b3e6e
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.session import Session, run

    asked = {"connector": connector, "project": project, "environment": environment, "user": user, "user_issuer": user_issuer, "limit": str(limit)}
    found = run(go(Session(url, operator=not mine), end, asked))
    if output is Output.JSON:
        printing.document(found)
    elif output is Output.TOKEN:
        for one in found["grants"]:
            printing.line(str(one["grant_id"]))
    else:
        printing.table(found["grants"], COLUMNS)
    if found.get("next"):
        say(f"there are more than {limit}: narrow it, or give a higher --limit")


async def go(session: "Session", end: UUID | None, asked: dict[str, str | None]) -> dict[str, Any]:
    async with session.v1() as v1:
        found: dict[str, Any] = {"grants": [await v1.delete(f"grants/{end}")]} if end else await v1.get("grants", **asked)
    return found
