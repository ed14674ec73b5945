"""Where replay reads from, as the command line says it: an export file, or the database of COUNTERFOIL_DATABASE as the role ops."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import asyncpg
import typer

from counterfoil.cli.exits import UNAVAILABLE, say
from counterfoil_server.replay.history import NoHistory
from counterfoil_server.replay.source import BadSource, Source, Window
from counterfoil_server.runtime.settings import BadSetting, database
from services.ops.replay.database import Database, opened
from services.ops.replay.export import Export

Since = Annotated[str | None, typer.Option("--since", help="From this time on: 30d, 12h, 45m ago, or 2026-10-01T12:00Z.")]
Until = Annotated[str | None, typer.Option("--until", help="Up to this time.")]
File = Annotated[Path | None, typer.Option("--file", help="An export of the audit log, instead of the database.")]
AGO = re.compile(r"(\d{1,6})([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
T = TypeVar("T")


def moment(text: str, now: datetime) -> datetime:
    """Raises ValueError."""
    if ago := AGO.fullmatch(text):
        return now - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def when(text: str | None, option: str) -> datetime | None:
    try:
        return None if text is None else moment(text, datetime.now(UTC))
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text}: like 30d, 12h, 45m, or 2026-10-01T12:00Z", param_hint=option) from None


def window(since: str | None, until: str | None) -> Window:
    return Window(since=when(since, "--since"), until=when(until, "--until"))


def replayed(work: Callable[[Source], Awaitable[T]], file: Path | None) -> T:
    """Errors that are the reader's to mend are told as such."""
    try:
        return asyncio.run(from_file(work, file) if file else from_database(work))
    except BadSource as error:
        raise typer.BadParameter(str(error), param_hint="--file" if file else None) from None
    except BadSetting as error:
        raise typer.BadParameter(f"{error}; or give --file") from None
    except NoHistory as error:
        say(f"counterfoil: {error}. Give an export of the whole log, or leave --file out.")
        raise typer.Exit(1) from None
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        say(f"counterfoil: what is read cannot be used: {type(error).__name__}. It is COUNTERFOIL_DATABASE, as the role ops, or --file.")
        raise typer.Exit(UNAVAILABLE) from None


async def from_file(work: Callable[[Source], Awaitable[T]], file: Path) -> T:
    return await work(Export(file))


async def from_database(work: Callable[[Source], Awaitable[T]]) -> T:
    db = await opened(database(os.environ))
    try:
        await db.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        return await work(Database(db))
    finally:
        await db.close()
