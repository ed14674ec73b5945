"""counterfoil credentials: what may be alive."""

from typing import Annotated, Any

import typer

from counterfoil.cli import options, predicates, printing
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output

COLUMNS = ("credential_id", "connector", "project", "environment", "state", "scopes", "expires_at")


def verb(
    connector: predicates.Connector = None, project: predicates.Project = None, environment: predicates.Environment = None,
    state: Annotated[str | None, typer.Option(help="alive, all, or a word of the ledger: active, revoking, stuck, uncertain.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="As yourself: your own only.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """List the credentials that may be alive. An operator sees all, everyone else their own.

    \b
    counterfoil credentials --connector postgres/demo
    counterfoil credentials --state stuck -o token | xargs -n1 counterfoil revoke --operator
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.session import Session, run

    asked = {"connector": connector, "project": project, "environment": environment, "state": state, "limit": str(limit)}
    session = Session(url, operator=not mine)

    async def ask() -> dict[str, Any]:
        async with session.v1() as v1:
            found: dict[str, Any] = await v1.get("credentials", **asked)
            return found

    found = run(ask())
    if output is Output.JSON:
        printing.document(found)
    elif output is Output.TOKEN:
        for one in found["credentials"]:
            printing.line(str(one["credential_id"]))
    else:
        printing.table(found["credentials"], COLUMNS)
    if found.get("next"):
        say(f"there are more than {limit}: narrow it, or give a higher --limit")
