"""counterfoil audit show: all that the log has about one thing."""

import json
from typing import Annotated, Any

import typer

from counterfoil.cli import options, printing
from counterfoil.cli.printing import Output

About = Annotated[str, typer.Argument(help="An index, a request_id or a credential_id.")]


def verb(about: About, output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL) -> None:
    """Show a leaf, or all leaves about a request or a credential. `-o token` prints each leaf's exact bytes.

    \b
    counterfoil audit show 64
    counterfoil audit show 6f1c7c0e-5d0a-5f0e-9a53-0d3c9c9d8f11 -o json
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli import audit_pages
    from counterfoil.cli.session import Session, run

    name = audit_pages.about(about)

    async def ask() -> list[dict[str, Any]]:
        async with audit_pages.Pages(Session(url, operator=True)) as pages:
            return await pages.about(name)

    found = run(ask())
    if output is Output.TOKEN:
        for one in found:
            printing.line(one["leaf"])
    elif output is Output.JSON:
        printing.document([{"index": one["index"], "leaf": json.loads(one["leaf"])} for one in found])
    else:
        for place, one in enumerate(found):
            printing.line("") if place else None
            printing.members({"index": one["index"], **json.loads(one["leaf"])})
