"""counterfoil doctor: what is wrong, and what to do."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from counterfoil.cli import options, printing
from counterfoil.cli.printing import Output

if TYPE_CHECKING:
    from counterfoil.cli.checks import Check


def verb(
    transport: options.Transport = "http", output: options.Show = Output.TABLE, project: options.Project = "web",
    environment: options.Environment = "production", url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Look for what is wrong, and say what to do about it.

    \b
    counterfoil doctor
    counterfoil doctor --transport kafka -o json
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.checks import examine
    from counterfoil.cli.session import Session, run

    found = run(examine(Session(url, project, environment, timeout=5), transport))
    if output is Output.JSON:
        printing.document([asdict(check) for check in found])
    elif output is Output.TOKEN:
        for check in found:
            printing.line(f"{check.state} {check.name}")
    else:
        show(found)
    if code := next((check.code for check in found if check.state == "wrong"), 0):
        raise typer.Exit(code)


def show(found: "list[Check]") -> None:
    for check in found:
        printing.line(f"{check.state:<6} {check.name:<12} {printing.plain(check.what)}")
        if check.fix:
            printing.line(f"{'':<6} {'':<12} fix: {printing.plain(check.fix)}")
