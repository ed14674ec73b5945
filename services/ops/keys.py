"""counterfoil keys: the services' keys. Beside the databases' owner only the role `ops` may, and whoever has the folders."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import asyncpg
import typer

from counterfoil.cli import options, printing
from counterfoil.cli.exits import UNAVAILABLE, say
from counterfoil.cli.printing import Output
from counterfoil.cli.verbs import QUIET
from counterfoil.wire.log_key import sound_name
from counterfoil_server.runtime.key_folder import BadKeyFile
from counterfoil_server.runtime.settings import BadSetting, secret
from services.ops import key_chest, key_rotation
from services.ops.key_rotation import AHEAD, NotRotated

app = typer.Typer(no_args_is_help=True, add_completion=False, **QUIET)
Root = Annotated[Path, typer.Option("--root", envvar="COUNTERFOIL_KEYS_ROOT", help="The folder that holds one folder of keys per role.")]
RootHere = Annotated[Path | None, typer.Option("--root", envvar="COUNTERFOIL_KEYS_ROOT", help="The folder that holds one folder of keys per role.")]
COLUMNS = ("kid", "role", "use", "state", "not_before", "not_after", "name", "file")
T = TypeVar("T")


@app.callback()
def keys() -> None:
    """Make, list and rotate the services' keys. COUNTERFOIL_DATABASE names the database, as the role ops or its owner."""


@app.command()
def init(root: Root, origin: Annotated[str, typer.Option(envvar="COUNTERFOIL_ORIGIN", help="The audit log's name, for ever.")]) -> None:
    """Make every key that is not there yet. Running it again makes nothing.

    \b
    counterfoil keys init --root keys --origin log.example.org
    """  # noqa: D301 \b keeps lines as they are
    if not sound_name(origin):
        raise typer.BadParameter("the origin is a host's name, or a name like it: without spaces and without a plus")
    made = on_database(lambda db: key_chest.init(db, root, now(), origin=origin))
    for key in made:
        printing.line(f"{key.role} {key.use} {key.kid}")
    say(f"{len(made)} keys made in {root}")


@app.command()
def rotate(
    role: Annotated[str, typer.Argument(help="gateway, verifier, policy, mint, revoke, audit or revoker.")],
    use: Annotated[str, typer.Argument(help="sign, open or log.")],
    root: Root,
    ahead: Annotated[int, typer.Option(min=60, help="Seconds until the new key is used. Its file has to be on every host by then.")] = AHEAD.seconds,
) -> None:
    """Make a new key beside the old one, which stays good for what is still to be read.

    \b
    counterfoil keys rotate verifier open --root keys
    """  # noqa: D301 \b keeps lines as they are
    made = on_database(lambda db: key_rotation.rotate(db, root, role, use, now(), timedelta(seconds=ahead)))
    printing.line(f"{made.role} {made.use} {made.kid}")
    say(f"used in {ahead} s; the old one stays for what it signed or opens")


@app.command("list")
def list_(
    root: Annotated[Path | None, typer.Option("--root", envvar="COUNTERFOIL_KEYS_ROOT", help="To see which private halves are here.")] = None,
    output: options.Show = Output.TABLE,
) -> None:
    """Show every key: public halves and times, nothing private.

    \b
    counterfoil keys list
    """  # noqa: D301 \b keeps lines as they are
    found = on_database(lambda db: key_rotation.listed(db, root, now()))
    if output is Output.JSON:
        printing.document({"keys": found})
    elif output is Output.TOKEN:
        for one in found:
            printing.line(one["kid"])
    else:
        printing.table(found, COLUMNS)


def now() -> datetime:
    return datetime.now(UTC)


def on_database(work: Callable[[Any], Awaitable[T]]) -> T:
    """The DSN holds a password: it comes by the environment, never by an argument, and no error quotes it."""
    try:
        dsn = secret(os.environ, "COUNTERFOIL_DATABASE", "COUNTERFOIL_DATABASE_FILE")
    except BadSetting as error:
        raise typer.BadParameter(str(error)) from None
    if dsn is None:
        raise typer.BadParameter("COUNTERFOIL_DATABASE is not set: postgresql://counterfoil_ops:password@host:5432/counterfoil")

    async def worked() -> T:
        db = await asyncpg.connect(dsn.text(), timeout=10)
        try:
            return await work(db)
        finally:
            await db.close()

    try:
        return asyncio.run(worked())
    except NotRotated as no:
        raise typer.BadParameter(str(no)) from None
    except BadKeyFile as error:
        say(f"counterfoil: {error}")
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        say(f"counterfoil: the database or a key folder cannot be used: {type(error).__name__}")
    raise typer.Exit(UNAVAILABLE)
