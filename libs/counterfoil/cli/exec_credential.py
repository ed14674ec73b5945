"""counterfoil exec-credential: how it is called. Who calls it does not come by here (main.py): it goes without typer."""

from typing import Annotated

import typer

from counterfoil.cli import borrowing, options


def verb(
    connector: Annotated[str, typer.Argument(help="Like kubernetes/prod.")], scope: options.Scopes = None, detail: options.Details = None,
    lifetime: options.Lifetime = "15m", timeout: options.Timeout = 10, project: options.Project = "web",
    environment: options.Environment = "production", url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Print a Kubernetes token as the exec plugin of a kubeconfig answers, for kubectl and every other client.

    In the kubeconfig, as the user's exec: apiVersion client.authentication.k8s.io/v1, command counterfoil, args as below, interactiveMode Never.
    With provideClusterInfo a token of another cluster than the one that would see it is refused.

    \b
    counterfoil exec-credential kubernetes/prod --scope reader
    counterfoil exec-credential kubernetes/prod --scope deployer --lifetime 10m
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.kubectl import serve

    serve([*borrowing.words(scope, detail, lifetime, timeout, project, environment, url), connector])
