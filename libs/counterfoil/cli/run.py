"""counterfoil run: a command with credentials in its environment, revoked when it ends."""

from typing import Annotated, Literal

import typer

from counterfoil.cli import options
from counterfoil.cli.errands import Asked, Errand
from counterfoil.cli.exits import ChildEnded
from counterfoil.cli.verbs import QUIET

verb = typer.Typer(add_completion=False, **QUIET)
Connectors = Annotated[
    list[str], typer.Option("-c", "--connector", help="Whose credential; several times for several. VARIABLE=CONNECTOR chooses the variable.")
]
REFRESH = """restart: start the command anew with a fresh credential before the old one ends. endpoint: for AWS, its SDKs ask this command for the
credential, and find a fresh one in time."""
Refresh = Annotated[Literal["restart", "endpoint"] | None, typer.Option("--refresh", help=REFRESH.replace("\n", " "))]


@verb.command(context_settings={"allow_interspersed_args": False})
def run(
    command: Annotated[list[str], typer.Argument(help="What to run, after --.")], connector: Connectors,
    scope: options.Scopes = None, detail: options.Details = None, repo: options.Repos = None, permission: options.Permissions = None,
    lifetime: options.Lifetime = None, refresh: Refresh = None,
    mask: Annotated[bool, typer.Option(help="Blot the lent values out of output that goes to no terminal.")] = True,
    transport: options.Transport = "http", timeout: options.Timeout = 10, project: options.Project = "web",
    environment: options.Environment = "production", url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Run a command with credentials that are revoked when it ends, however it ends.

    It finds them in the usual variables: for PostgreSQL DATABASE_URL and PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE; for AWS
    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION; for Google CLOUDSDK_AUTH_ACCESS_TOKEN and
    GOOGLE_OAUTH_ACCESS_TOKEN; for the rest <PROVIDER>_TOKEN. Where there are several connectors, a scope or a detail is for one of them as
    CONNECTOR=SCOPE, else for all. Exit code: the command's; 125 where this failed, 126 not executable, 127 not found.

    \b
    counterfoil run -c postgres/demo -- psql -c 'select current_user'
    counterfoil run -c github/acme-bot --repo acme/site --permission contents:read -- gh api repos/acme/site
    counterfoil run -c postgres/demo -c SITE_TOKEN=github/acme-bot -s postgres/demo=read -- ./nightly.sh
    counterfoil run -c postgres/demo --lifetime 1h --refresh restart -- python worker.py
    counterfoil run -c aws/reports --lifetime 1h --refresh endpoint -- python nightly.py
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.lending import go
    from counterfoil.cli.session import Session
    from counterfoil.cli.session import run as run_all

    wishes = Asked(scope or (), detail or (), lifetime, repo or (), permission or ()).wishes(connector)
    errand = Errand(command, wishes, refresh, mask)
    raise ChildEnded(run_all(go(Session(url, project, environment, timeout), transport, errand)))
