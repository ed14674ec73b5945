"""Logs for replay: written by the domain's own rules, kept as an export file."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from counterfoil.contracts.registry import Ceiling, Connector, Issuer, Link, Mapped, Policy
from services.dev.bench.recorded import Recorder

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ISSUER = Issuer(
    name="ci",
    issuer="https://ci.example",
    pins={"owner": "acme"},
    project=Mapped(claim="repository", map={"acme/web": "web", "acme/api": "api"}),
    environment=Mapped(claim="environment"),
    record=frozenset({"ref", "/deep/inside"}),
)
WORKLOADS = Issuer(
    name="cluster",
    issuer="https://cluster.example",
    subject="workload",
    single_use=True,
    project=Mapped(value="web"),
    environment=Mapped(value="production"),
)
CONNECTOR = Connector(name="postgres/demo", scopes=frozenset({"read"}), installation="main")
LINK = Link(
    connector="postgres/demo",
    project="web",
    environments=frozenset({"production"}),
    ceiling=Ceiling(scopes=frozenset({"read", "write"}), longest=900),
)
MAIN_ONLY = Policy(
    name="main-only", cedar='forbid (principal, action, resource) unless { context.claims has ref && context.claims.ref == "refs/heads/main" };'
)
CLAIMS = {"owner": "acme", "repository": "acme/web", "environment": "production", "ref": "refs/heads/main", "deep": {"inside": "ü"}, "sub": "x"}
READ = {"connector": "postgres/demo", "scopes": ["read"]}
Leaves = list[tuple[int, bytes]]


def recorder(*entries: Any) -> tuple[Recorder, Leaves]:
    """A log that begins with these entries."""
    log = Recorder(NOW)
    return log, [log.changed(log.put(one)) for one in entries]


def small() -> Leaves:
    """Granted, denied in three ways, rejected in three; a link narrowed and a policy added in between."""
    log, leaves = recorder(ISSUER, WORKLOADS, CONNECTOR, LINK)
    leaves += exchanges(log, range(10))
    leaves.append(log.changed(log.put(LINK.model_copy(update={"ceiling": Ceiling(scopes=frozenset({"read"}), longest=300)}))))
    leaves += exchanges(log, range(10, 20))
    leaves += [log.changed(log.note("fenced", "connector", "postgres/demo")), log.changed(log.put(MAIN_ONLY))]
    leaves += exchanges(log, range(20, 30))
    leaves.append(log.changed(log.remove(LINK)))
    leaves += exchanges(log, range(30, 40))
    return leaves


def exchanges(log: Recorder, numbers: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    for number in numbers:
        log.now += timedelta(milliseconds=10)
        side, preview = {**CLAIMS, "ref": "refs/heads/side"}, {**CLAIMS, "environment": "preview"}
        ways: list[tuple[Any, ...]] = [
            (ISSUER, "alice", CLAIMS, READ),
            (ISSUER, "bob", side, READ),
            (WORKLOADS, f"pod-{number}", {"sub": "pod"}, {**READ, "lifetime": 60}),
            (ISSUER, "alice", CLAIMS, {**READ, "scopes": ["write", "admin"]}),
            (ISSUER, "alice", preview, READ),
            (ISSUER, "eve", {**CLAIMS, "owner": "evil"}, READ),
            (ISSUER, "alice", CLAIMS, {**READ, "scope": "typo"}),
        ]
        yield from log.exchange(number, *ways[number % len(ways)])


def exported(path: Path, leaves: Iterable[tuple[int, bytes]]) -> Path:
    lines = [json.dumps({"index": index, "leaf": text.decode()}, ensure_ascii=False) for index, text in leaves]
    path.write_text("".join(f"{line}\n" for line in [*lines, json.dumps({"checkpoint": "a note\n"})]))
    return path
