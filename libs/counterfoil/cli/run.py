"""counterfoil run: a command with credentials in its environment, revoked when it ends."""

import asyncio
import os
from contextlib import AsyncExitStack
from typing import Annotated

import typer

from counterfoil.cli import options, wishes
from counterfoil.cli.child import Signals, spawn
from counterfoil.cli.exits import OWN_FAILURE, ChildEnded, told
from counterfoil.cli.session import Session
from counterfoil.cli.variables import environment_of, with_psql
from counterfoil.cli.verbs import QUIET
from counterfoil.client.errors import CounterfoilError

verb = typer.Typer(add_completion=False, **QUIET)


@verb.command(context_settings={"allow_interspersed_args": False})
def run(
    command: Annotated[list[str], typer.Argument(help="What to run, after --.")],
    connector: Annotated[list[str], typer.Option("-c", "--connector", help="Whose credential; may be given several times.")],
    scope: options.Scopes = None, detail: options.Details = None, lifetime: options.Lifetime = None,
    transport: options.Transport = "http", timeout: options.Timeout = 10, project: options.Project = "web",
    environment: options.Environment = "production", url: options.Url = options.USUAL_URL,
) -> None:  # fmt: skip
    """Run a command with credentials that are revoked when it ends, however it ends.

    It finds them in the usual variables: for PostgreSQL DATABASE_URL and PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE; for the rest
    <PROVIDER>_TOKEN. Exit code: the command's; 125 where this failed, 126 not executable, 127 not found.

    \b
    counterfoil run -c postgres/demo -- psql -c 'select current_user'
    counterfoil run -c postgres/demo --scope read --lifetime 15m -- python report.py
    """  # noqa: D301 \b keeps lines as they are
    session = Session(url, project, environment, timeout)
    wish = wishes.wanted(scope, detail, lifetime)

    async def go() -> int:
        with Signals() as signals:
            code = OWN_FAILURE
            try:
                async with AsyncExitStack() as lent:
                    cf = await lent.enter_async_context(session.client(transport))
                    env = with_psql(dict(os.environ))
                    for name in connector:
                        env = environment_of(await lent.enter_async_context(cf.credential(name, **wish)), env)
                    code = await spawn(command, env, signals)
            except CounterfoilError as error:
                told(error)
                return code or OWN_FAILURE  # the command may have ended well, and its credential be still alive
            except asyncio.CancelledError:
                return signals.code
            return code

    raise ChildEnded(asyncio.run(go()))
