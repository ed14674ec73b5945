"""What policies say of a place of which only project and environment are known: what holds for every caller there, and what depends on him."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cedarpy

from counterfoil.contracts.registry import Connector, Link
from counterfoil_server.domain import links, vocabulary
from counterfoil_server.domain.ceiling import Wanted
from counterfoil_server.runtime.cedar import Engine, compact
from counterfoil_server.runtime.slices import policy_set
from counterfoil_server.runtime.snapshot import Snapshot

CALLERS = {"context": frozenset({"claims", "details"}), "principal": frozenset({"issuer", "sub_hash", "subject"})}
"""What is the caller's own, or a matter of the single request. Project, environment, connector, scopes and the time are known here."""


@dataclass(frozen=True, slots=True)
class Word:
    """`permits` and `forbids`: rules that apply to everybody there. The others apply only to some: each with what it asks of the caller."""

    permits: tuple[str, ...]
    forbids: tuple[str, ...]
    may_permit: Mapping[str, str]
    may_forbid: Mapping[str, str]
    broken: str | None

    @property
    def answer(self) -> str:
        if self.forbids or self.broken or not (self.permits or self.may_permit):
            return "no"
        return "depends" if self.may_forbid or not self.permits else "yes"


class Policies:
    """Of one connector at one revision."""

    def __init__(self, snapshot: Snapshot, connector: Connector) -> None:
        texts = {link.name: links.compiled(link) for link in snapshot.links.values()} | {one.name: one.cedar for one in snapshot.policies.values()}
        self._connector = connector
        self._slice = Engine(texts).slice(connector.name)
        self._own = {link.name for link in snapshot.links.values()}

    def word(self, link: Link, environment: str, want: Wanted, at: Any) -> Word:
        """Each rule is asked alone. One that reads what is the caller's own is not asked: what it reads is told."""
        question = asked(link, environment, want, self._connector, at)
        found: dict[tuple[str, bool], dict[str, str]] = {(effect, some): {} for effect in ("permit", "forbid") for some in (False, True)}
        for name, statement in self._slice.statements.items():
            reads = () if name in self._own else sorted(set(own(statement)))
            effect = applied(name, statement, question, scope_only=bool(reads))
            if effect is not None:
                found[effect, bool(reads)][name] = ", ".join(reads)
        return Word(tuple(found["permit", False]), tuple(found["forbid", False]), found["permit", True], found["forbid", True], self._slice.broken)


def asked(link: Link, environment: str, want: Wanted, connector: Connector, at: Any) -> dict[str, Any]:
    principal = vocabulary.workload("", "", link.project, environment)
    resource = vocabulary.connector_entity(connector, want.installation or connector.installation)
    context = {
        "scopes": sorted(want.scopes), "details": vocabulary.flat(want.details), "lifetime": want.lifetime, "claims": {}, "at": vocabulary.moment(at),
    }  # fmt: skip
    return {"principal": principal, "resource": resource, "context": context}


def applied(name: str, statement: Mapping[str, Any], question: Mapping[str, Any], *, scope_only: bool) -> str | None:
    """Its effect, where it applies. `scope_only`: its conditions are the caller's matter; whom and what it is about is not. One that fails denies."""
    alone = {**statement, "conditions": []} if scope_only else dict(statement)
    request = {
        "principal": question["principal"]["uid"], "action": {"type": "Action", "id": "mint"}, "resource": question["resource"]["uid"],
        "context": compact(question["context"]),
    }  # fmt: skip
    entities = cedarpy.Entities.from_json_str(f"[{compact(question['principal'])},{compact(question['resource'])}]")
    answer = cedarpy.is_authorized(request, policy_set({name: {**alone, "effect": "permit"}}), entities)
    if answer.diagnostics.errors:
        return "forbid"
    return str(statement["effect"]) if answer.allowed else None


def own(expression: Any) -> Iterator[str]:
    """What of the caller's own a rule reads, wherever it stands: `context.claims.ref`, `principal.subject`; a variable as a whole reads all of it."""
    if isinstance(expression, list):
        for one in expression:
            yield from own(one)
    if not isinstance(expression, dict):
        return
    path = attributes(expression)
    if path is not None:
        var, *names = path
        if var in CALLERS and (not names or names[0] in CALLERS[var]) and not (var == "principal" and not names):
            yield ".".join(path)
        return
    for one in expression.values():
        yield from own(one)


def attributes(expression: Mapping[str, Any]) -> list[str] | None:
    """`{".": {"left": ..., "attr": ...}}` down to a variable; `has` reads, too."""
    if set(expression) == {"Var"}:
        return [expression["Var"]]
    for operator in (".", "has"):
        inner = expression.get(operator)
        if isinstance(inner, dict) and isinstance(inner.get("left"), dict) and "attr" in inner:
            path = attributes(inner["left"])
            return None if path is None else [*path, str(inner["attr"])]
    return None
