"""counterfoil get: one credential, on stdout."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli import options, printing, wishes
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output

if TYPE_CHECKING:
    from counterfoil.client.credential import Credential


def verb(
    connector: Annotated[str, typer.Argument(help="Which: like postgres/demo.")],
    scope: options.Scopes = None, detail: options.Details = None, repo: options.Repos = None, permission: options.Permissions = None,
    lifetime: options.Lifetime = None, installation: options.Tenant = None,
    user: options.OnBehalf = None, user_issuer: options.KnownBy = None,
    transport: options.Transport = "http", output: options.Show = Output.TABLE, timeout: options.Timeout = 10,
    project: options.Project = "web", environment: options.Environment = "production", url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Get a credential for a while. A table shows all but the secret; json and token show that too.

    \b
    counterfoil get postgres/demo --scope read --lifetime 5m -o token
    counterfoil get github/acme-bot --repo acme/site --permission contents:read
    psql "$(counterfoil get postgres/demo -o token)"
    counterfoil get postgres/demo -t kafka -o json
    counterfoil get oauth2/crm --user u-17 --scope contacts.read
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.session import Session, run

    wish = wishes.wanted(connector, scope, detail, lifetime, repo, permission)
    session, subject = Session(url, project, environment, timeout), wishes.subject(user, user_issuer)

    async def ask() -> "Credential":
        async with session.client(transport) as cf:
            return await cf.exchange(connector, **wish, installation=installation, subject=subject)

    show(run(ask()), output)


def show(credential: "Credential", output: Output) -> None:
    if output is Output.TOKEN:
        printing.line(credential.reveal())
    elif output is Output.JSON:
        secret: dict[str, Any] = {"access_token": credential.reveal(), "credential": credential.parts()}
        printing.document(credential.about() | secret | {"receipt": credential.receipt.document()})
    else:
        printing.members(credential.about() | {"leaf": credential.receipt.index, "log key": credential.receipt.log_key})
        say("the secret is not shown: -o token or -o json do; `counterfoil run` hands it to a command")
