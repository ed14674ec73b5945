"""counterfoil policy: Cedar beside what the links compile to."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from counterfoil.cli import entries, options, printing
from counterfoil.cli.exits import USAGE
from counterfoil.cli.printing import Output
from counterfoil.cli.verbs import QUIET

verb = typer.Typer(no_args_is_help=True, add_completion=False, **QUIET)
COLUMNS = ("name", "cedar")
File = Annotated[Path, typer.Option("-f", "--file", help="The Cedar text; - for stdin.")]


@verb.callback()
def policy() -> None:
    """Forbid or permit beside the links, in Cedar."""


@verb.command()
def add(
    name: Annotated[str, typer.Argument(help="What to call it.")], file: File, dry_run: options.DryRun = False, yes: options.Yes = False,
    output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Add a policy, or put another text in its place. What is wrong with it refuses it; what might be is a warning.

    \b
    counterfoil policy add no-long-writes -f no-long-writes.cedar --dry-run
    """  # noqa: D301 \b keeps lines as they are
    entries.put({"kind": "policy", "name": name, "cedar": text(file)}, output, url, dry_run=dry_run, yes=yes)


@verb.command()
def lint(file: File, output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL) -> None:
    """Look at a policy without keeping it. Exit code 2: it would be refused.

    \b
    counterfoil policy lint -f no-long-writes.cedar
    """  # noqa: D301 \b keeps lines as they are
    from counterfoil.cli.session import Session, run

    cedar = text(file)

    async def ask() -> dict[str, Any]:
        async with Session(url, operator=True).v1() as v1:
            found: dict[str, Any] = await v1.post("policies/lint", {"cedar": cedar})
            return found

    found = run(ask())
    if output is Output.JSON:
        printing.document(found)
    elif output is Output.TOKEN:
        printing.line("valid" if found["valid"] else "invalid")
    else:
        words = [{"finding": word, **one} for word, several in (("error", "errors"), ("warning", "warnings")) for one in found[several]]
        printing.table(words, ("finding", "statement", "line", "message"))
    if not found["valid"]:
        raise typer.Exit(USAGE)


@verb.command("list")
def list_(output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL) -> None:
    """List the policies.

    \b
    counterfoil policy list -o json
    """  # noqa: D301 \b keeps lines as they are
    entries.listed("policies", COLUMNS, output, url)


@verb.command()
def show(name: entries.Name, output: options.Show = Output.TABLE, url: options.Url = options.USUAL_URL) -> None:
    """Show one policy.

    \b
    counterfoil policy show no-long-writes -o json
    """  # noqa: D301 \b keeps lines as they are
    entries.shown("policies", name, output, url)


@verb.command()
def remove(
    name: entries.Name, dry_run: options.DryRun = False, yes: options.Yes = False, output: options.Show = Output.TABLE,
    url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Remove a policy. What it forbade is no longer forbidden.

    \b
    counterfoil policy remove no-long-writes --dry-run
    """  # noqa: D301 \b keeps lines as they are
    entries.removed("policies", name, output, url, dry_run=dry_run, yes=yes)


def text(file: Path) -> str:
    try:
        return sys.stdin.read() if file == Path("-") else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read: {type(error).__name__}") from None
