"""counterfoil replay backtest: what a candidate policy would have changed."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from counterfoil.cli import options, printing
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output
from counterfoil.cli.progress import Progress
from counterfoil_server.replay.backtest_kept import Decider
from counterfoil_server.replay.backtest_outcome import CHANGES
from counterfoil_server.replay.backtest_report import Report
from counterfoil_server.replay.backtest_run import backtested
from counterfoil_server.replay.history import History
from counterfoil_server.replay.source import Source, Window, leaves
from services.ops.replay import backtest_candidate
from services.ops.replay.backtest_candidate import BadCandidate
from services.ops.replay.backtest_source import File, Since, Until, replayed, window


def backtest(
    policy: Annotated[list[Path] | None, typer.Option("--policy", help="A Cedar text, or a file as apply reads it (.yaml); - for stdin.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="The Cedar text's policy. Default: as its file is called.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="A policy of the registry that is left out; may be given often.")] = None,
    since: Since = None, until: Until = None, file: File = None,
    examples: Annotated[int, typer.Option(min=0, max=100, help="Examples of each group.")] = 3,
    fail_on: Annotated[str, typer.Option("--fail-on", help="Exit with 1 where there is any: denied,allowed,narrowed,widened.")] = "",
    output: options.Show = Output.TABLE,
) -> None:  # fmt: skip
    """Run recorded traffic through a candidate policy, by the registry that held at each time: newly denied, newly allowed, narrowed.

    What is put has the place of what has its name. Exit code 1: --fail-on found something; 2: the candidate is no policy that could be put.

    \b
    counterfoil replay backtest --policy no-long-writes.cedar --since 30d
    counterfoil replay backtest --policy registry.yaml --file audit.jsonl -o json --fail-on denied,allowed
    counterfoil replay backtest --remove no-long-writes
    """  # noqa: D301 \b keeps lines as they are
    failing = words(fail_on)
    try:
        candidate, left = backtest_candidate.read(policy or [], name, remove or [])
    except BadCandidate as error:
        raise typer.BadParameter(str(error)) from None
    span = window(since, until)

    async def run(source: Source) -> Report:
        return await tried(source, candidate, span, examples, left)

    report = replayed(run, file)
    show(report, output)
    if any(report.counts()[one] for one in failing):
        raise typer.Exit(1)


async def tried(source: Source, candidate: backtest_candidate.Candidate, span: Window, examples: int, left: list[str]) -> Report:
    history = await History.read(source)
    try:
        warnings = candidate.check(history.at(history.last))
    except BadCandidate as error:
        raise typer.BadParameter(str(error)) from None
    for one in (*left, *warnings):
        say(f"warning: {one}")
    decider, progress, began = Decider(history, candidate), Progress("leaves"), time.process_time()
    try:
        report = await backtested(progress_of(leaves(source, span), progress), decider, examples)
    finally:
        progress.end()
    speed = round(report.decisions / max(time.process_time() - began, 1e-6))
    say(f"{report.summary()}; {decider.hits} of {decider.asked} answers were kept ones; {speed} decisions a second of CPU")
    return report


async def progress_of(found: Any, progress: Progress) -> Any:
    read = 0
    async for one in found:
        read += 1
        progress.at(read)
        yield one


def words(text: str) -> list[Any]:
    found = [one.strip() for one in text.split(",") if one.strip()]
    if wrong := [one for one in found if one not in CHANGES]:
        raise typer.BadParameter(f"{wrong[0]}: it is one of {', '.join(CHANGES)}", param_hint="--fail-on")
    return found


def show(report: Report, output: Output) -> None:
    if output is Output.JSON:
        printing.document(report.document())
    elif output is Output.TOKEN:
        for name, groups in report.document().items():
            for example in (one for group in groups if isinstance(groups, list) for one in group["examples"]):
                printing.line(f"{name} {example['index']}")
    else:
        table(report)


def table(report: Report) -> None:
    """A line for each group, its examples under it."""
    rows = [{"change": name.replace("_", " "), **group} for name, groups in report.document().items() if isinstance(groups, list) for group in groups]
    printing.table(rows, ("change", "project", "connector", "rule", "count"))
    for row in rows:
        for one in row["examples"]:
            printing.line(printing.plain(f"  {row['change']}: leaf {one['index']}, request {one['request_id']}, asked {said(one['asked'])}"))


def said(wish: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={printing.plain(value)}" for name, value in wish.items())
