"""counterfoil installation: one tenant of a connector beside its own."""

from typing import Annotated

import typer

from counterfoil.cli import entries, options
from counterfoil.cli.printing import Output
from counterfoil.cli.verbs import QUIET

verb = typer.Typer(no_args_is_help=True, add_completion=False, **QUIET)
COLUMNS = ("name", "connector", "installation", "config")
Config = Annotated[list[str] | None, typer.Option("--config", help="A member that differs, as NAME=VALUE; may be given several times.")]
Secrets = Annotated[list[str] | None, typer.Option("--secret", help="A root secret of its own: FIELD=@FILE, FIELD=env:NAME, FIELD=- for stdin.")]


@verb.callback()
def installation() -> None:
    """Tenants of a connector: an organisation, a workspace, a database beside the connector's own."""


@verb.command()
def add(
    connector: Annotated[str, typer.Argument(help="Like github/acme-bot.")],
    installation: Annotated[str, typer.Argument(help="What requests call it by.")],
    config: Config = None, secret: Secrets = None, dry_run: options.DryRun = False, yes: options.Yes = False,
    output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Add an installation: what it has in place of the connector's config, and root secrets of its own where it has some.

    \b
    counterfoil installation add github/acme-bot beta --config installation_id=7 --config account=beta
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.provider import Declared
    from counterfoil.cli.session import Session

    session = Session(url, operator=True)
    declared = Declared.ask(session, connector)
    entry = {"kind": "installation", "connector": connector, "installation": installation, "config": declared.config(config or ())}
    secrets = declared.secrets(connector, installation, secret or ())
    entries.put(entry, output, url, dry_run=dry_run, yes=yes, secrets=secrets)


@verb.command("list")
def list_(
    connector: Annotated[str | None, typer.Option(help="Those of this connector only.")] = None,
    output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """List the installations.

    \b
    counterfoil installation list --connector github/acme-bot
    """  # noqa: D301 \b keeps lines as they are
    entries.listed("installations", COLUMNS, output, url, connector=connector)


@verb.command()
def show(name: entries.Name, output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL) -> None:
    """Show one installation.

    \b
    counterfoil installation show github/acme-bot@beta
    """  # noqa: D301 \b keeps lines as they are
    entries.shown("installations", name, output, url)


@verb.command()
def remove(
    name: entries.Name, dry_run: options.DryRun = False, yes: options.Yes = False, output: options.Show = Output.TABLE,
    url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Remove an installation. Nothing more is minted for it; what was lent lives on until it ends or is revoked.

    \b
    counterfoil installation remove github/acme-bot@beta --dry-run
    """  # noqa: D301 \b keeps lines as they are
    entries.removed("installations", name, output, url, dry_run=dry_run, yes=yes)
