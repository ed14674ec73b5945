"""What every kind of entry has: a list of them, one of them, and its end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from counterfoil.cli import printing
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output

if TYPE_CHECKING:
    from counterfoil.cli.registry_file import RootSecret
    from counterfoil.cli.session import V1

Name = Annotated[str, typer.Argument(help="As its list names it.")]


def listed(collection: str, columns: tuple[str, ...], output: Output, url: str, **only: str | None) -> None:
    """`only`: members that have to be so."""
    from counterfoil.cli.session import Session, run

    async def ask() -> list[dict[str, Any]]:
        async with Session(url, operator=True).v1() as v1:
            return await v1.every(collection)

    wanted = {member: value for member, value in only.items() if value is not None}
    found = [one for one in run(ask()) if all(one.get(member) == value for member, value in wanted.items())]
    if output is Output.JSON:
        printing.document(found)
    elif output is Output.TOKEN:
        for one in found:
            printing.line(str(one["name"]))
    else:
        printing.table([flattened(one) for one in found], columns)


def shown(collection: str, name: str, output: Output, url: str) -> None:
    from counterfoil.cli.session import Session, run

    async def ask() -> dict[str, Any]:
        async with Session(url, operator=True).v1() as v1:
            found: dict[str, Any] = await v1.get(f"{collection}/{address(name)}")
            return found

    printing.one(run(ask()), output, "name")


def removed(collection: str, name: str, output: Output, url: str, *, dry_run: bool, yes: bool) -> None:
    from counterfoil.cli.applying import show
    from counterfoil.cli.asking import agreed
    from counterfoil.cli.session import Session, run

    async def remove() -> dict[str, Any]:
        async with Session(url, operator=True).v1() as v1:
            await v1.get(f"{collection}/{address(name)}")  # a wrong name is told before anything is asked
            if not dry_run:
                agreed(f"Remove {name}?", yes=yes)
            return await ended(v1, f"{collection}/{address(name)}", dry_run=dry_run)

    show(run(remove()), output, dry_run=dry_run)
    if collection == "connectors" and not dry_run:
        say("it lends no more; what it has lent lives on until it ends: `counterfoil credentials --connector` lists it")


async def ended(v1: "V1", path: str, *, dry_run: bool) -> dict[str, Any]:
    found: dict[str, Any] = await v1.delete(path, **({"dry_run": "true"} if dry_run else {}))
    return found


def address(name: str) -> str:
    """A connector's name has a slash, which stays one; everything else that means something in a URL is quoted."""
    return quote(name, safe="/@")


def flattened(one: dict[str, Any]) -> dict[str, Any]:
    """Members of members stand behind a dot, as the columns name them."""
    found = dict(one)
    for member, value in one.items():
        if isinstance(value, dict):
            found |= {f"{member}.{inner}": deeper for inner, deeper in value.items()}
    return found


def put(
    entry: dict[str, Any], output: Output, url: str, *, dry_run: bool, yes: bool, secrets: Sequence["RootSecret"] = ()
) -> None:  # fmt: skip
    """One entry, by the same way as a file of them. What it lacks or has too much is told in the entry's own words."""
    from counterfoil.cli.applying import Wanted, go
    from counterfoil.cli.registry_file import checked
    from counterfoil.cli.session import Session, run

    wanted = Wanted([checked({name: value for name, value in entry.items() if value is not None}, entry["kind"])], secrets)
    run(go(Session(url, operator=True), wanted, output, dry_run=dry_run, yes=yes))
