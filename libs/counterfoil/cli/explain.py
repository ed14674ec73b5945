"""counterfoil explain: what a request would be answered, without asking for anything."""

from typing import Annotated, Any

import typer

from counterfoil.cli import options, printing, wishes
from counterfoil.cli.exits import CODES, say
from counterfoil.cli.printing import Output
from counterfoil.client.errors import Denied

WHY = ("rule", "code", "message", "scopes", "details", "lifetime", "beyond", "beyond_details", "beyond_lifetime", "revision")


def verb(
    connector: Annotated[str, typer.Argument(help="Which: like postgres/demo.")],
    scope: options.Scopes = None, detail: options.Details = None, repo: options.Repos = None, permission: options.Permissions = None,
    lifetime: options.Lifetime = None, installation: options.Tenant = None,
    user: options.OnBehalf = None, user_issuer: options.KnownBy = None,
    whose: Annotated[str | None, typer.Option("--as", help="As an operator, for somebody else: PROJECT/ENVIRONMENT.")] = None,
    output: options.Show = Output.TABLE, timeout: options.Timeout = 10, project: options.Project = "web",
    environment: options.Environment = "production", url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Say whether a request would be granted, by which rule, what of it is beyond, and the nearest one that would be. Exit code 3: it would not.

    \b
    counterfoil explain postgres/demo --scope write --lifetime 2h
    counterfoil explain github/acme-bot --repo acme/site --permission contents:write
    counterfoil explain postgres/demo --as web/preview -o json
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.session import Session, run

    wish = wishes.wanted(connector, scope, detail, lifetime, repo, permission)
    body: dict[str, Any] = {"connector": connector, **wish, "installation": installation, "user": wishes.digest(user, user_issuer)}
    if whose is not None:
        body["as"] = somebody(whose)
    session = Session(url, project, environment, timeout, operator=whose is not None)

    async def ask() -> dict[str, Any]:
        async with session.v1() as v1:
            found: dict[str, Any] = await v1.post("explain", {name: value for name, value in body.items() if value not in (None, [])})
            return found

    found = run(ask())
    show(connector, found, output)
    if not found["granted"]:
        raise typer.Exit(CODES[Denied])


def somebody(text: str) -> dict[str, str]:
    project, _, environment = text.rpartition("/")
    if not (project and environment):
        raise typer.BadParameter("like web/preview", param_hint="--as")
    return {"project": project, "environment": environment}


def show(connector: str, found: dict[str, Any], output: Output) -> None:
    if output is Output.JSON:
        printing.document(found)
        return
    word = "granted" if found["granted"] else "denied"
    if output is Output.TOKEN:
        printing.line(word)
        return
    printing.members({"answer": word} | {name: found[name] for name in WHY if found.get(name)})
    for said in nearest(connector, found.get("nearest") or {}):
        say(said)


def nearest(connector: str, near: dict[str, Any]) -> list[str]:
    """The closest thing that would be granted, as a line to paste."""
    if environments := near.get("environments"):
        return [f"linked in: {', '.join(map(printing.plain, environments))}"]
    return [f"nearest: {wishes.line(connector, near)}"] if near else []
