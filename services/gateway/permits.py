"""Who may do what at /v1: the rule is `domain.operators`, in Cedar; here it is asked, over the snapshot that is current."""

from typing import Protocol

from counterfoil.contracts.base import JsonObject
from counterfoil_server.domain import operators
from counterfoil_server.domain.vocabulary import Question, Verdict
from counterfoil_server.runtime.cedar import Engine
from counterfoil_server.runtime.concern import BadPolicy, parse
from counterfoil_server.runtime.snapshot import EMPTY, Snapshot
from services.gateway.callers import Caller


class Holds(Protocol):
    @property
    def snapshot(self) -> Snapshot: ...


class CedarPermits:
    """Without a registry, the built-in policies alone."""

    def __init__(self, registry: Holds | None = None) -> None:
        self._registry = registry
        self._built_in = self._engine = Engine(operators.BUILT_IN)
        self._snapshot = EMPTY

    def __call__(self, caller: Caller, action: str, connector: str | None, *, own: bool = False) -> bool:
        self._follow()
        asked = operators.question(principal(caller), action, connector, own=own)
        return operators.may(lambda question: ask(self._built_in, question), lambda question: ask(self._engine, question), asked).allowed

    def _follow(self) -> None:
        snapshot = self._registry.snapshot if self._registry is not None else EMPTY
        if snapshot is not self._snapshot:
            theirs = {policy.name: policy.cedar for policy in snapshot.policies.values() if counts(policy.cedar)}
            self._engine, self._snapshot = Engine(operators.BUILT_IN | theirs, self._engine), snapshot


def counts(cedar: str) -> bool:
    try:
        return operators.counts(parse(cedar).actions)
    except BadPolicy:
        return False


def ask(engine: Engine, asked: Question) -> Verdict:
    return engine.ask(asked.principal, asked.action, asked.resource, asked.context, asked.connector)


def principal(caller: Caller) -> JsonObject:
    if caller.role is None:
        return operators.holder(caller.issuer, caller.sub_hash, caller.project, caller.environment)
    return operators.operator(caller.issuer, caller.sub_hash, caller.role)
