"""counterfoil who-could: who could have minted what, at a time of the past, by the registry that the audit log tells of."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from counterfoil.cli import options, printing
from counterfoil.cli.exits import say
from counterfoil.cli.printing import Output
from counterfoil.contracts.base import JsonObject
from counterfoil.contracts.registry import Issuer, Link, Mapped
from counterfoil_server.domain import ceiling
from counterfoil_server.domain.ceiling import Wanted
from counterfoil_server.replay.history import History
from counterfoil_server.replay.source import Source
from counterfoil_server.runtime.snapshot import Snapshot
from services.ops.replay.backtest_source import File, replayed, when
from services.ops.who_could_rules import Policies, Word

COLUMNS = ("project", "environment", "could", "longest", "issuers", "why")


@dataclass(frozen=True, slots=True)
class Asked:
    connector: str
    scopes: frozenset[str]
    lifetime: int
    at: datetime


def verb(
    connector: Annotated[str, typer.Option("--connector", help="The connector, like postgres/demo.")],
    scope: Annotated[list[str], typer.Option("--scope", "-s", help="A scope; given several times, all of them at once.")],
    at: Annotated[str | None, typer.Option("--at", help="When: 2026-10-01T12:00Z, or 30d ago. Default: now.")] = None,
    lifetime: Annotated[int, typer.Option("--lifetime", min=1, help="For how long, in seconds.")] = 60,
    file: File = None, output: options.Show = Output.TABLE,
) -> None:  # fmt: skip
    """Say who could have minted a scope of a connector at a time: by links, ceilings, policies and issuers of then.

    "depends" names the rules that ask something of the single caller: claims, subject, details.

    \b
    counterfoil who-could --connector postgres/demo --scope read --at 2026-10-01T12:00Z
    counterfoil who-could --connector github/acme-bot -s contents:write --at 30d -o json
    """  # noqa: D301 \b keeps lines as they are
    wanted = Asked(connector, frozenset(scope), lifetime, when(at, "--at") or datetime.now(UTC))

    async def run(source: Source) -> JsonObject:
        return answered(await History.read(source), wanted)

    found = replayed(run, file)
    if output is Output.JSON:
        printing.document(found)
    elif output is Output.TOKEN:
        for row in found["places"]:
            if row["could"] != "no":
                printing.line(f"{row['project']}/{row['environment']}")
    else:
        printing.table(found["places"], COLUMNS)
        say(f"registry revision {found['revision']}" + "".join(f"; {one}" for one in found["stopped"]))


def answered(history: History, asked: Asked) -> JsonObject:
    """Raises NoHistory."""
    revision = history.revision_at(asked.at)
    snapshot = history.at(revision)
    own = snapshot.connectors.get(asked.connector)
    places = list(rows(snapshot, asked)) if own else []
    stopped = list(stops(history, revision, asked)) + ([] if own else [f"there is no connector {asked.connector}"])
    about = {"connector": asked.connector, "scopes": sorted(asked.scopes), "lifetime": asked.lifetime, "at": asked.at.isoformat()}
    return {**about, "revision": revision, "stopped": stopped, "places": places}


def rows(snapshot: Snapshot, asked: Asked) -> Iterator[JsonObject]:
    """One for each environment of each link."""
    connector = snapshot.connectors[asked.connector]
    policies = Policies(snapshot, connector)
    for (name, project, environment), link in sorted(snapshot.links.items()):
        if name != asked.connector:
            continue
        want = Wanted(asked.scopes, tuple(ceiling.clip({}, limit) for limit in link.ceiling.details), asked.lifetime)
        over, word = ceiling.beyond(want, link.ceiling), policies.word(link, environment, want, asked.at)
        issuers = sorted(one.name for one in snapshot.issuers.values() if leads(one, project, environment))
        could = "no" if over or not issuers else word.answer
        row = {"project": project, "environment": environment, "could": could, "link": link.name, "longest": link.ceiling.longest, "issuers": issuers}
        rules = {"permits": list(word.permits), "forbids": list(word.forbids), "may_permit": word.may_permit, "may_forbid": word.may_forbid}
        yield {**row, "why": why(link, over, issuers, word), "rules": rules}


def why(link: Link, over: ceiling.Beyond, issuers: list[str], word: Word) -> str:
    if over:
        return f"beyond the ceiling of {link.name}"
    if not issuers:
        return "no issuer entry leads there"
    if word.broken or word.forbids:
        return f"{word.broken} cannot be read" if word.broken else f"forbidden by {', '.join(word.forbids)}"
    if word.answer == "no":
        return "no policy permits it"
    said = [f"{name} forbids it to some: it reads {reads}" for name, reads in word.may_forbid.items()]
    if not word.permits:
        said += [f"only where {name} permits it: it reads {reads}" for name, reads in word.may_permit.items()]
    return "; ".join(said) or f"permitted by {', '.join(word.permits)}"


def leads(issuer: Issuer, project: str, environment: str) -> bool:
    return can_be(issuer.project, project) and can_be(issuer.environment, environment)


def can_be(source: Mapped, word: str) -> bool:
    """A claim without a map may have any value."""
    if source.value is not None:
        return (source.map or {}).get(source.value, source.value if source.map is None else None) == word
    return source.map is None or word in source.map.values()


def stops(history: History, revision: int, asked: Asked) -> Iterator[str]:
    """What stood in the way of all of it, or of some: a fence, blocks."""
    fenced, blocks = False, dict[str, JsonObject]()
    for change in (one.fact for one in history.changes if one.fact.revision <= revision):
        if change.name == asked.connector and change.entry_kind == "connector":
            fenced = change.change == "fenced" or (fenced and change.change == "put")
        elif change.change == "blocked":
            blocks[change.name] = change.entry or {}
        elif change.change == "unblocked":
            blocks.pop(change.name, None)
    if fenced:
        yield f"{asked.connector} was fenced"
    for name, block in blocks.items():
        over = block.get("until") is not None and datetime.fromisoformat(block["until"]) <= asked.at
        if not over and block.get("connector", asked.connector) == asked.connector:
            members = ", ".join(f"{member}={value}" for member, value in block.items() if member != "until") or "everything"
            yield f"the block {name} stopped {members}"
