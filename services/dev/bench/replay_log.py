"""The log that replay is measured on: made by the pure core, always the same."""

import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from counterfoil.contracts.registry import Ceiling, Connector, Issuer, Link, Mapped, Policy
from counterfoil_server.domain import links
from counterfoil_server.runtime.rulebook import Question, Rulebook
from counterfoil_server.runtime.slices import Verdict
from services.dev.bench.recorded import Recorder

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
ISSUER = Issuer(
    name="ci", issuer="https://ci.example", pins={"owner": "acme"}, project=Mapped(claim="repository"), environment=Mapped(claim="environment"),
    record=frozenset({"ref", "workflow"}),
)  # fmt: skip
PROJECTS, CALLERS, CHANGES = 40, 2000, 50
SCOPES: tuple[list[str], ...] = (["read"], ["write"], ["read", "write"], ["admin"], [])
MAIN = 'forbid (principal, action, resource) unless { context.claims has ref && context.claims.ref == "refs/heads/main" };'


def registry() -> list[Any]:
    connectors = [Connector(name=f"postgres/db-{at}", scopes=frozenset({"read"})) for at in range(4)]
    ceiling = Ceiling(scopes=frozenset({"read", "write"}), longest=900)
    links = [
        Link(connector=one.name, project=f"acme/app-{at}", environments=frozenset({"production"}), ceiling=ceiling)
        for at in range(PROJECTS) for one in connectors[at % 4 :: 4]
    ]  # fmt: skip
    return [ISSUER, *connectors, *links, Policy(name="main-only", cedar=MAIN)]


def written(exchanges: int, rules: Rulebook | None = None) -> Iterator[tuple[int, bytes]]:
    """A few thousand callers who ask for what they ask for, and an operator who narrows and widens a link now and then."""
    log, dice = Recorder(BEGAN, rules), random.Random(7)  # noqa: S311 - the same log each time
    for one in registry():
        yield log.changed(log.put(one))
    link = next(one for one in log.snapshot.entries if isinstance(one, Link))
    for number in range(exchanges):
        log.now += timedelta(milliseconds=2)
        if number % max(1, exchanges // CHANGES) == 1:
            link = link.model_copy(update={"ceiling": link.ceiling.model_copy(update={"longest": 300 + number % 600})})
            yield log.changed(log.put(link))
        caller = dice.randrange(CALLERS)
        ref = "refs/heads/main" if dice.random() < 0.9 else f"refs/heads/topic-{caller % 7}"
        claims = {
            "owner": "acme", "repository": f"acme/app-{caller % PROJECTS}", "environment": "production" if caller % 11 else "preview",
            "ref": ref, "workflow": f"deploy-{caller % 5}.yml",
        }  # fmt: skip
        wish = {"connector": f"postgres/db-{caller % 4 if caller % 13 else 0}", "scopes": SCOPES[min(4, int(dice.expovariate(1)))]}
        yield from log.exchange(number, ISSUER, f"repo:{caller}", claims, wish)


def export(path: Path, exchanges: int) -> float:
    began = time.perf_counter()
    with path.open("w", encoding="utf-8") as file:
        for index, text in written(exchanges):
            file.write(f'{{"index":{index},"leaf":{json.dumps(text.decode(), ensure_ascii=False)}}}\n')
    return time.perf_counter() - began


class Heard(Rulebook):
    """Keeps what it is asked."""

    def __init__(self) -> None:
        super().__init__(links.compiled)
        self.questions: list[Question] = []

    def ask(self, question: Question) -> Verdict:
        self.questions.append(question)
        return super().ask(question)


def policy_alone(exchanges: int) -> float:
    """Questions of such a log that Cedar answers in a second of CPU, each anew: no leaf, no model, no comparison."""
    heard = Heard()
    for _ in written(exchanges, heard):
        pass
    rules = Rulebook(links.compiled, kept=0)
    rules.follow(heard.snapshot)
    began = time.process_time()
    for question in heard.questions:
        rules.ask(question)
    return len(heard.questions) / (time.process_time() - began)
