"""counterfoil whoami: the claims of one's own token, and what the gateway makes of it."""

import asyncio
from typing import Any

from counterfoil.cli import options, printing
from counterfoil.cli.claims import unverified_claims
from counterfoil.cli.printing import Output
from counterfoil.cli.session import Session
from counterfoil.client.errors import CounterfoilError


def verb(
    output: options.Show = Output.TABLE, project: options.Project = "web", environment: options.Environment = "production",
    url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Show who you are: the token's claims as it states them, and what the gateway says to it.

    \b
    counterfoil whoami
    counterfoil whoami -o json | jq .gateway.role
    """  # noqa: D301 \b keeps lines as they are
    session = Session(url, project, environment)

    async def ask() -> tuple[dict[str, Any], dict[str, Any], CounterfoilError | None]:
        async with session.v1() as v1:
            claims = unverified_claims(v1.bearer)
            try:
                return claims, await v1.get("whoami"), None
            except CounterfoilError as error:
                return claims, {}, error

    claims, gateway, error = asyncio.run(ask())
    if output is Output.JSON:
        printing.document({"claims": claims, "gateway": gateway})
    elif output is Output.TOKEN:
        printing.line(str(gateway.get("sub_hash") or claims.get("sub") or ""))
    else:
        printing.members({"claims": claims, "gateway": gateway})
    if error is not None:  # one's own claims are what is needed to see why
        raise error
