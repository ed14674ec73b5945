"""The candidate: entries that are put over the recorded registry, read from a Cedar text or from a file as `counterfoil apply` takes it."""

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from counterfoil.cli import registry_file
from counterfoil.cli.registry_file import STDIN
from counterfoil.contracts.registry import Connector, Installation, Link, Policy
from counterfoil_server.domain import identity
from counterfoil_server.runtime.snapshot import Entry, Snapshot
from services.gateway.lint import lint

YAML = (".yaml", ".yml")
TRIED = Policy | Link | Connector | Installation
UNFIT = re.compile(r"[^a-z0-9._-]+")


class BadCandidate(ValueError):
    """This cannot be tried. Says what is wrong, and where."""


@dataclass(frozen=True)
class Candidate:
    """What takes the place of entries of its kind and name, and which policies are left out."""

    puts: tuple[Entry, ...] = ()
    removed: frozenset[str] = frozenset()

    def over(self, snapshot: Snapshot) -> Snapshot:
        put = {(entry.kind, entry.name) for entry in self.puts}
        kept = [one for one in snapshot.entries if (one.kind, one.name) not in put and not (one.kind == "policy" and one.name in self.removed)]
        return Snapshot.of(snapshot.revision, [*kept, *self.puts])

    def check(self, newest: Snapshot) -> list[str]:
        """Raises BadCandidate; returns what might go wrong. By the registry as it is now: there it would be put."""
        if gone := sorted(self.removed - newest.policies.keys()):
            raise BadCandidate(f"--remove {gone[0]}: the registry has no such policy; it has {', '.join(newest.policies) or 'none'}")
        overlapping(self.over(newest))
        recorded = frozenset().union(*(identity.reads(one) for one in newest.issuers.values()))
        errors, warnings = [], []
        for one in self.puts:
            if isinstance(one, Policy):
                found = lint(one.cedar, recorded)
                errors += [f"policy {one.name}, line {each.line}: {each.message}" for each in found.errors]
                warnings += [f"policy {one.name}, line {each.line}: {each.message}" for each in found.warnings]
        if errors:
            raise BadCandidate("; ".join(errors))
        return warnings


def overlapping(after: Snapshot) -> None:
    seen: dict[tuple[str, str, str], str] = {}
    for link in (one for one in after.entries if isinstance(one, Link)):
        for environment in sorted(link.environments):
            other = seen.setdefault((link.connector, link.project, environment), link.name)
            if other != link.name:
                raise BadCandidate(f"link {link.name}: {other} has the environment {environment} already")


def read(paths: Sequence[Path], name: str | None, removed: Sequence[str]) -> tuple[Candidate, list[str]]:
    """And what of the files is not tried. Raises BadCandidate, or typer's own error where a file is wrong as `apply` would say it."""
    if not paths and not removed:
        raise BadCandidate("nothing to try: give --policy FILE, or --remove NAME")
    found: list[Entry] = []
    for path in paths:
        found += from_yaml(path) if path.suffix in YAML else [from_cedar(path, name)]
    tried = {(one.kind, one.name): one for one in found if isinstance(one, TRIED)}
    if paths and not tried:
        raise BadCandidate("nothing to try: backtest tries policies, links, connectors and installations")
    left = [f"{one.kind} {one.name} is not tried: recorded identities are decided about again, not proven again" for one in found
            if not isinstance(one, TRIED)]  # fmt: skip
    return Candidate(tuple(tried[key] for key in sorted(tried)), frozenset(removed)), left


def from_yaml(path: Path) -> Iterable[Entry]:
    """Where secrets are is no matter here: none is read."""
    for number, raw in enumerate(registry_file.documents(path), 1):
        if not isinstance(raw, dict):
            raise BadCandidate(f"{path}: entry {number} is no mapping")
        entry = {name: value for name, value in raw.items() if name != "secrets"}
        yield registry_file.checked(entry, f"{path}: entry {number} ({raw.get('kind')} {raw.get('name') or raw.get('connector') or ''})")


def from_cedar(path: Path, name: str | None) -> Entry:
    try:
        text = sys.stdin.read() if path == STDIN else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadCandidate(f"{path} cannot be read: {type(error).__name__}") from None
    called = name or (UNFIT.sub("-", path.stem.lower()).strip("-._") if path != STDIN else "") or "candidate"
    return registry_file.checked({"kind": "policy", "name": called, "cedar": text}, str(path))
