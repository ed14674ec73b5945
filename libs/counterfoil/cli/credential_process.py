"""counterfoil credential-process: how it is called. Who calls it does not come by here (main.py): it goes without typer."""

from typing import Annotated

import typer

from counterfoil.cli import borrowing, options


def verb(
    connector: Annotated[str, typer.Argument(help="Like aws/acme.")], scope: options.Scopes = None, detail: options.Details = None,
    lifetime: options.Lifetime = "1h", timeout: options.Timeout = 10, project: options.Project = "web",
    environment: options.Environment = "production", url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Print AWS credentials as credential_process of a profile reads them. SDKs renew them 15 minutes ahead, so give them more than that.

    \b
    counterfoil credential-process aws/acme
    counterfoil credential-process aws/acme --lifetime 30m
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.aws import serve

    serve([*borrowing.words(scope, detail, lifetime, timeout, project, environment, url), connector])
