"""counterfoil connector: named connections to providers."""

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli import entries, options
from counterfoil.cli.printing import Output
from counterfoil.cli.verbs import QUIET

verb = typer.Typer(no_args_is_help=True, add_completion=False, **QUIET)
COLUMNS = ("name", "state", "installation", "scopes", "secrets")
PROVIDERS = ("name", "revocation", "reach", "longest", "documentation")
Scope = Annotated[list[str] | None, typer.Option("-s", "--scope", help="What a request gets that names no scope; may be given several times.")]
Link = Annotated[str | None, typer.Option(help="PROJECT/ENVIRONMENT to link it to at once, up to --ceiling-scope, --ceiling-detail, --longest.")]


@verb.callback()
def connector() -> None:
    """Connections to providers: what is lent comes from here."""


@verb.command()
def add(
    name: Annotated[str | None, typer.Argument(help="PROVIDER/NAME, like postgres/shop. Asked for where it is left out.")] = None,
    config: Annotated[list[str] | None, typer.Option("--config", help="NAME=VALUE, as the provider declares; several times for several.")] = None,
    config_file: Annotated[Path | None, typer.Option(help="The config as YAML or JSON; --config goes before it.")] = None,
    secret: Annotated[list[str] | None, typer.Option(help="A root secret: FIELD=@FILE, FIELD=env:NAME, or FIELD=- for stdin.")] = None,
    scope: Scope = None, installation: Annotated[str, typer.Option(help="What its own tenant is called.")] = "default", link: Link = None,
    ceiling_scope: Annotated[list[str] | None, typer.Option(help="The link's ceiling; --scope where it is left out.")] = None,
    ceiling_detail: Annotated[list[str] | None, typer.Option(help="A detail of the link's ceiling, as JSON.")] = None,
    longest: Annotated[str, typer.Option(help="The longest lifetime of the link.")] = "15m",
    test: Annotated[bool, typer.Option(help="Mint a credential by way of a link, and revoke it at once.")] = True,
    dry_run: options.DryRun = False, yes: options.Yes = False, output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Add a connector. It asks for what the provider declares and was not given; root secrets without showing them, and seals them to the
    providers. Then it shows what would change, changes it, mints a credential to see that it works, and revokes that at once.

    \b
    counterfoil connector add postgres/shop
    counterfoil connector add postgres/shop --config-file shop.yaml --secret password=@broker-password --link web/production -s read
    counterfoil connector add github/acme-bot --config app=Iv1.8a61f9 --config installation_id=42 --config account=acme --secret private_key=@key.pem
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.adding import Given, add_guided
    from counterfoil.cli.session import Session
    from counterfoil.cli.wishes import details, lifetime

    given = Given(
        config or (), config_file, secret or (), scope or (), installation, link, ceiling_scope or (), details(ceiling_detail),
        lifetime(longest) or 900, test=test, dry_run=dry_run, yes=yes,
    )  # fmt: skip
    add_guided(Session(url, operator=True), name, given, output)


@verb.command()
def providers(output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL) -> None:
    """List what connectors can be made of, and what revoking can do there.

    \b
    counterfoil connector providers
    counterfoil connector providers -o json | jq '.[].config.properties'
    """  # noqa: D301 \b keeps lines as they are
    entries.listed("providers", PROVIDERS, output, url)


@verb.command("list")
def list_(output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL) -> None:
    """List the connectors, with the version of each root secret: never more of it.

    \b
    counterfoil connector list
    """  # noqa: D301 \b keeps lines as they are
    entries.listed("connectors", COLUMNS, output, url)


@verb.command()
def show(name: entries.Name, output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL) -> None:
    """Show one connector.

    \b
    counterfoil connector show postgres/demo
    """  # noqa: D301 \b keeps lines as they are
    entries.shown("connectors", name, output, url)


@verb.command()
def remove(
    name: entries.Name, dry_run: options.DryRun = False, yes: options.Yes = False, output: options.Show = Output.TABLE,
    url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Remove a connector. It lends no more; what was lent lives on until it ends, so `counterfoil revoke --connector` first.

    \b
    counterfoil connector remove postgres/shop --dry-run
    """  # noqa: D301 \b keeps lines as they are
    entries.removed("connectors", name, output, url, dry_run=dry_run, yes=yes)
