"""counterfoil apply: the registry as a file says it; root secrets leave this machine sealed to the providers only."""

from pathlib import Path
from typing import Annotated

import typer

from counterfoil.cli import options
from counterfoil.cli.printing import Output


def verb(
    file: Annotated[list[Path], typer.Option("-f", "--file", help="YAML documents of entries, - for stdin; may be given several times.")],
    secret: Annotated[list[str] | None, typer.Option("--secret", help="connector.field=@file or =env:NAME: set this root secret anew.")] = None,
    renew_secrets: Annotated[bool, typer.Option("--renew-secrets", help="Set the files' root secrets anew too, not only the missing ones.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove whatever the files do not name.")] = False,
    dry_run: options.DryRun = False, yes: options.Yes = False,
    output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Make the registry what files say: issuers, connectors, links, policies, operators. What is not named stays as it is, without --prune.

    A connector's `secrets` say where each is: `{env: NAME}` or `{file: path}`. They are sealed here; the gateway cannot read them. What
    changes, member by member, is told on stderr.

    \b
    counterfoil apply -f registry.yaml --dry-run
    counterfoil apply -f registry.yaml --secret postgres/demo.password=@broker-password
    counterfoil export | counterfoil apply -f - --prune --dry-run
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.applying import Wanted, go
    from counterfoil.cli.registry_file import RootSecret, named, read
    from counterfoil.cli.session import Session, run

    files = [read(path) for path in file]
    entries = tuple(entry for one in files for entry in one.entries)
    secrets = [*(one for each in files for one in each.secrets), *named(secret or (), entries)]
    if renew_secrets:
        secrets = [RootSecret(one.connector, one.installation, one.field, one.secret, always=True) for one in secrets]
    run(go(Session(url, operator=True), Wanted(entries, tuple(secrets), prune), output, dry_run=dry_run, yes=yes))
