"""counterfoil replay: what the log tells, done again. No provider is called, nothing is sent, nothing is written."""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from counterfoil.cli import options, printing
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output
from counterfoil.cli.progress import Progress
from counterfoil.cli.verbs import QUIET
from counterfoil_server.replay.history import History
from counterfoil_server.replay.source import Source, Window
from services.ops.replay import backtest, stage
from services.ops.replay import rebuild as rebuilding
from services.ops.replay.backtest_source import File, Since, Until, replayed, when
from services.ops.replay.database import Database
from services.ops.replay.export import Export
from services.ops.replay.rebuild import Rebuilt
from services.ops.replay.verify import KEPT, Verification

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, add_completion=False, **QUIET)
app.command()(backtest.backtest)
app.add_typer(stage.app, name="stage")


@app.callback()
def replay() -> None:
    """Do again what the audit log tells of. The database is COUNTERFOIL_DATABASE, as the role ops; --file reads an export instead."""


@app.command()
def verify(
    since: Since = None, until: Until = None,
    from_offset: Annotated[int, typer.Option("--from-offset", min=0, help="From this leaf on.")] = 0,
    file: File = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Make each decision at length: no answer is kept.")] = False,
    output: options.Show = Output.TABLE,
) -> None:  # fmt: skip
    """Make every verify and authorize decision again from what it recorded, and compare byte by byte. Exit code 1: one differs.

    \b
    counterfoil replay verify
    counterfoil replay verify --since 2026-10-01T12:00Z --until 2026-10-02T12:00Z
    counterfoil replay verify --file audit.jsonl --no-cache -o json
    """  # noqa: D301 \b keeps lines as they are
    window = Window(from_offset, when(since, "--since"), when(until, "--until"))
    began = time.process_time()

    async def run(source: Source) -> Verification:
        work = Verification(source, await History.read(source), 0 if no_cache else KEPT)
        await shown(lambda progress: work.run(window, progress))
        return work

    work = replayed(run, file)
    show_verified(work, time.process_time() - began, output)
    if work.tally.drifted:
        raise typer.Exit(1)


def show_verified(work: Verification, took: float, output: Output) -> None:
    asked, hits = work.identities.asked + work.grants.asked, work.identities.hits + work.grants.hits
    speed = {"seconds_of_cpu": round(took, 3), "decisions_a_second": round(work.tally.decisions / max(took, 1e-6))}
    kept = {"asked": asked, "hits": hits, "rate": round(hits / max(1, asked), 4)}
    if output is Output.JSON:
        printing.document({**work.tally.document(), "kept_answers": kept, **speed})
    elif output is Output.TOKEN:
        for one in work.tally.drifts:
            printing.line(str(one.index))
    else:
        for line in work.tally.lines():
            printing.line(line)
        say(f"{hits} of {asked} answers were kept ones ({100 * kept['rate']:.1f} %); {speed['decisions_a_second']} decisions a second of CPU")


@app.command()
def rebuild(file: File = None, output: options.Show = Output.TABLE) -> None:
    """Build the tree, the registry and the ledger's states again from facts alone, and compare with the tables. Exit code 1: one differs.

    \b
    counterfoil replay rebuild
    counterfoil replay rebuild --file audit.jsonl
    """  # noqa: D301 \b keeps lines as they are

    async def run(source: Source) -> Rebuilt:
        if isinstance(source, Export):
            return await shown(lambda progress: rebuilding.from_export(source, lambda: source.checkpoint, progress))
        if not isinstance(source, Database):
            raise TypeError("a log lies in a database or in an export")
        return await shown(lambda progress: rebuilding.from_database(source, source.db, progress))

    found = replayed(run, file)
    if output is Output.JSON:
        printing.document(found.document())
    elif output is Output.TOKEN:
        printing.line(found.root)
    else:
        printing.members({name: value for name, value in found.document().items() if name != "differences"})
        for one in found.differences:
            printing.line(f"differs: {one}")
    if found.differences:
        raise typer.Exit(1)


async def shown(work: Callable[[Callable[[float], None]], Awaitable[T]]) -> T:
    progress = Progress("%", 100)
    try:
        return await work(lambda done: progress.at(int(100 * done)))
    finally:
        progress.end()
