"""What a predicate names: its members narrow each other."""

from typing import Annotated

import typer

Connector = Annotated[str | None, typer.Option(help="Those of this connector.")]
Project = Annotated[str | None, typer.Option(help="Those lent to this project.")]
Environment = Annotated[str | None, typer.Option(help="Those lent to this environment.")]
Subject = Annotated[str | None, typer.Option(help="Those lent to this subject of --issuer, by its name in the token.")]
SubjectHash = Annotated[str | None, typer.Option(help="Those lent to this subject, as `whoami` names it.")]
Issuer = Annotated[str | None, typer.Option(help="Those lent to identities of this issuer.")]
