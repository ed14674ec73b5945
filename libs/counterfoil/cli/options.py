"""The options that several verbs share, each written once."""

from typing import Annotated, Literal

import typer

from counterfoil.cli.printing import Output

Url = Annotated[str, typer.Option("--url", envvar="COUNTERFOIL_URL", help="The gateway.")]
USUAL_URL = "http://127.0.0.1:8484"
Show = Annotated[Output, typer.Option("-o", "--output", help="How to print it.")]
Project = Annotated[str, typer.Option(envvar="COUNTERFOIL_PROJECT", help="Whose token to ask the local issuer for, in development.")]
Environment = Annotated[str, typer.Option(envvar="COUNTERFOIL_ENVIRONMENT", help="And in which environment.")]
Timeout = Annotated[float, typer.Option(min=0.1, max=60, help="Seconds: the one deadline of the call.")]
Scopes = Annotated[list[str] | None, typer.Option("--scope", "-s", help="A scope; may be given several times.")]
Details = Annotated[list[str] | None, typer.Option("--detail", help="One authorization detail (RFC 9396), as JSON; may be given several times.")]
Repos = Annotated[list[str] | None, typer.Option("--repo", help="GitHub: owner/name; may be given several times.")]
Permissions = Annotated[list[str] | None, typer.Option("--permission", help="GitHub: like contents:read; may be given several times.")]
Lifetime = Annotated[str | None, typer.Option("--lifetime", "-l", help="How long: 300, 30s, 5m, 1h30m.")]
Tenant = Annotated[str | None, typer.Option("--installation", help="One of the connector's installations; absent: its own.")]
OnBehalf = Annotated[str | None, typer.Option("--user", help="On behalf of a user of the app, by the id that it knows them by.")]
KnownBy = Annotated[str | None, typer.Option("--user-issuer", help="Who else knows them by that id.")]
Transport = Annotated[Literal["http", "kafka"], typer.Option("--transport", "-t", envvar="COUNTERFOIL_TRANSPORT", help="How to ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]
