"""counterfoil link: which project may use which connector, where, and up to which ceiling."""

from typing import Annotated, Any

import typer

from counterfoil.cli import entries, options, wishes
from counterfoil.cli.printing import Output
from counterfoil.cli.verbs import QUIET

verb = typer.Typer(no_args_is_help=True, add_completion=False, **QUIET)
COLUMNS = ("name", "connector", "project", "environments", "ceiling.scopes", "ceiling.longest")
Environments = Annotated[list[str], typer.Option("-e", "--environment", help="In which; may be given several times.")]


@verb.callback()
def link() -> None:
    """Say which project may use which connector in which environments, and what it may ever ask for."""


@verb.command()
def add(
    connector: Annotated[str, typer.Argument(help="Like postgres/demo.")],
    project: Annotated[str, typer.Option("-p", "--project", help="Whose.")], environment: Environments,
    scope: options.Scopes = None, detail: options.Details = None, repo: options.Repos = None, permission: options.Permissions = None,
    longest: Annotated[str, typer.Option(help="The longest lifetime: 900, 15m, 1h.")] = "15m",
    installation: Annotated[list[str] | None, typer.Option(help="One that may be named beside the connector's own; * for any.")] = None,
    entitled: Annotated[bool, typer.Option(help="Whether its callers may read why they were denied.")] = True,
    dry_run: options.DryRun = False, yes: options.Yes = False, output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Link a connector to a project. Scopes and details are the ceiling: the most that may be asked for.

    \b
    counterfoil link add postgres/demo -p web -e production --scope read --longest 15m
    counterfoil link add github/acme-bot -p web -e production --repo acme/site --permission contents:read --dry-run
    """  # noqa: D301 \b keeps lines as they are
    wish = wishes.wanted(connector, scope, detail, longest, repo, permission)
    ceiling: dict[str, Any] = {"scopes": wish["scopes"], "details": wish["details"], "longest": wish["lifetime"]}
    ceiling |= {"installations": installation} if installation else {}
    entry = {"kind": "link", "connector": connector, "project": project, "environments": environment, "ceiling": ceiling, "entitled": entitled}
    entries.put(entry, output, url, dry_run=dry_run, yes=yes)


@verb.command("list")
def list_(
    connector: Annotated[str | None, typer.Option(help="Those of this connector only.")] = None,
    project: Annotated[str | None, typer.Option(help="Those of this project only.")] = None,
    output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """List the links.

    \b
    counterfoil link list --project web
    """  # noqa: D301 \b keeps lines as they are
    entries.listed("links", COLUMNS, output, url, connector=connector, project=project)


@verb.command()
def show(name: entries.Name, output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL) -> None:
    """Show one link.

    \b
    counterfoil link show 'web/production->postgres/demo'
    """  # noqa: D301 \b keeps lines as they are
    entries.shown("links", name, output, url)


@verb.command()
def remove(
    name: entries.Name, dry_run: options.DryRun = False, yes: options.Yes = False, output: options.Show = Output.TABLE,
    url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Remove a link. From then on nothing is minted by way of it; what was lent lives on until it ends or is revoked.

    \b
    counterfoil link remove 'web/preview->postgres/demo' --dry-run
    """  # noqa: D301 \b keeps lines as they are
    entries.removed("links", name, output, url, dry_run=dry_run, yes=yes)
