"""counterfoil id-token: the OIDC token itself."""

from typing import Annotated

import typer

from counterfoil.cli import options, printing
from counterfoil.cli.printing import Output


def verb(
    project: options.Project = "web", environment: options.Environment = "production",
    audience: Annotated[str | None, typer.Option(help="For whom to ask the platform or the local issuer; the gateway where absent.")] = None,
    operator: Annotated[bool, typer.Option("--operator", help="The operator's. Local issuer only.")] = False,
    output: options.Show = Output.TOKEN, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Print the OIDC token that the other verbs send: the environment's, or in development one of the local issuer.

    \b
    COUNTERFOIL_ID_TOKEN="$(counterfoil id-token --project web --environment production)"
    counterfoil id-token -o json
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.claims import unverified_claims
    from counterfoil.cli.session import Session, run

    session = Session(url, project, environment, operator=operator)
    token = run(session.token(audience))
    if output is Output.TOKEN:
        printing.line(token.text())
    elif output is Output.JSON:
        printing.document({"token": token.text(), "claims": unverified_claims(token)})
    else:
        printing.members(unverified_claims(token))
