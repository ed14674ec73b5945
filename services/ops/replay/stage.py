"""counterfoil replay stage: recorded messages of one stage through today's code, in shadow, next to the running services."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from counterfoil.cli import options, printing
from counterfoil.cli.exits import UNAVAILABLE, USAGE, say
from counterfoil.cli.printing import Output
from counterfoil.cli.verbs import QUIET
from counterfoil.wire.kafka import KafkaError
from counterfoil_server.replay.history import NoHistory
from counterfoil_server.replay.source import BadSource
from counterfoil_server.runtime.recorded import Bound, Span
from counterfoil_server.runtime.settings import BadSetting, connection, database
from services.ops.replay import stage_run
from services.ops.replay.backtest_source import File, when
from services.ops.replay.database import opened
from services.ops.replay.stage_run import Shadow
from services.ops.replay.stage_tally import Tally

app = typer.Typer(no_args_is_help=True, add_completion=False, **QUIET)
From = Annotated[str | None, typer.Option("--from", help="An offset, of each partition; or a time: 2h ago is 2h, or 2026-10-01T12:00Z.")]
To = Annotated[str | None, typer.Option("--to", help="Up to this offset or time.")]
READER = "COUNTERFOIL_KAFKA is where they are, and its _USERNAME the principal that may read them: deploy/kafka/acls.sh replay NAME grants that."
THERE = """counterfoil: the verifier's sealing key opens tokens, and it is in no other process: run it where the verifier runs, with its settings,
  python -m services.verifier.replay --from 2h
In a container: docker compose exec verifier python -m services.verifier.replay --from 2h"""


@app.callback()
def stage() -> None:
    """Run recorded messages of one stage through today's code, and compare. No group is joined, nothing is committed, sent or written.

    COUNTERFOIL_DATABASE is the role ops; COUNTERFOIL_KAFKA and its _USERNAME the principal that may read the topics (replay).
    Exit code 1: something differs.
    """


@app.command()
def verify(from_: From = None, to: To = None) -> None:  # noqa: ARG001 - they are the other command's
    """Say how recorded tokens are checked again: within a verifier process, and within its sealing key's life.

    \b
    counterfoil replay stage verify
    """  # noqa: D301 \b keeps lines as they are
    say(THERE)
    raise typer.Exit(USAGE)


@app.command()
def authorize(from_: From = None, to: To = None, file: File = None, output: options.Show = Output.TABLE) -> None:
    """Decide exchange.verified again, by the registry of each decision, and compare with exchange.authorized byte by byte.

    What the topic no longer holds is taken from the log's leaves, and with --file all of it.

    \b
    counterfoil replay stage authorize --from 2h
    counterfoil replay stage authorize --file audit.jsonl -o json
    """  # noqa: D301 \b keeps lines as they are
    ran(stage_run.authorize, bounds(from_, to), file, output)


@app.command()
def mint(from_: From = None, to: To = None, file: File = None, output: options.Show = Output.TABLE) -> None:
    """Decide recorded grants again over the ledger, and compare with it and exchange.minted. No provider is reached.

    \b
    counterfoil replay stage mint --from 2h
    """  # noqa: D301 \b keeps lines as they are
    ran(stage_run.mint, bounds(from_, to), file, output)


@app.command()
def audit(from_: From = None, to: To = None, file: File = None, output: options.Show = Output.TABLE) -> None:
    """Make leaves of the topics' facts again, and compare with those of the log or of an export: none missing, none different, none without its fact.

    \b
    counterfoil replay stage audit --from 2h
    counterfoil replay stage audit --file audit.jsonl
    """  # noqa: D301 \b keeps lines as they are
    ran(stage_run.audit, bounds(from_, to), file, output, topics=True)


def bounds(first: str | None, last: str | None) -> Span:
    return Span(bound(first, "--from"), bound(last, "--to"))


def bound(text: str | None, option: str) -> Bound:
    return int(text) if text is not None and text.isdecimal() else when(text, option)


def ran(run: Callable[[Shadow], Awaitable[list[Tally]]], span: Span, file: Path | None, output: Output, *, topics: bool = False) -> None:
    try:
        found = asyncio.run(shadowed(run, span, file, topics=topics or file is None))
    except (BadSetting, BadSource) as error:
        raise typer.BadParameter(str(error)) from None
    except NoHistory as error:
        say(f"counterfoil: {error}")
        raise typer.Exit(1) from None
    except KafkaError as error:
        say(f"counterfoil: the topics cannot be read: {type(error).__name__}. {READER}")
        raise typer.Exit(UNAVAILABLE) from None
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        say(f"counterfoil: the database or the file cannot be used: {type(error).__name__}. COUNTERFOIL_DATABASE is the role ops.")
        raise typer.Exit(UNAVAILABLE) from None
    show(found, output)
    if any(one.different for one in found):
        raise typer.Exit(1)


async def shadowed(run: Callable[[Shadow], Awaitable[list[Tally]]], span: Span, file: Path | None, *, topics: bool) -> list[Tally]:
    kafka = connection(os.environ) if topics else None
    db = await opened(database(os.environ))
    try:
        await db.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        return await run(Shadow(db, kafka, span, file))
    finally:
        await db.close()


def show(found: list[Tally], output: Output) -> None:
    if output is Output.JSON:
        printing.document([one.document() for one in found])
    elif output is Output.TOKEN:
        printing.line("different" if any(one.different for one in found) else "equal")
    else:
        for one in found:
            for line in one.lines():
                printing.line(line)
