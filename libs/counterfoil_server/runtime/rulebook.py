"""Cedar over the links and policies of the registry's snapshot: what policy decides by, and what `explain` tries."""

from collections.abc import Callable
from typing import Protocol

from counterfoil.contracts.base import JsonObject
from counterfoil.contracts.registry import Link
from counterfoil_server.runtime.cedar import KEPT, Engine
from counterfoil_server.runtime.slices import Slice, Verdict
from counterfoil_server.runtime.snapshot import EMPTY, Snapshot


class Question(Protocol):
    """Principal, action, resource, context, and the connector that it is about: the words are the domain's."""

    @property
    def principal(self) -> JsonObject: ...
    @property
    def action(self) -> str: ...
    @property
    def resource(self) -> JsonObject: ...
    @property
    def context(self) -> JsonObject: ...
    @property
    def connector(self) -> str | None: ...


class Rulebook:
    """Follows the registry's snapshot: the same object, the same rules. `compiled` says what a link is in Cedar.

    `before`: a rulebook of another revision. What is the same there is not parsed again. `kept`: how many answers.
    """

    def __init__(self, compiled: Callable[[Link], str], before: "Rulebook | None" = None, kept: int = KEPT) -> None:
        self._compiled, self._kept = compiled, kept
        self._engine: Engine = Engine({}) if before is None else before._engine  # noqa: SLF001 - one of its own kind
        self.snapshot: Snapshot = EMPTY

    def follow(self, snapshot: Snapshot) -> None:
        if snapshot is self.snapshot:
            return
        texts = {link.name: self._compiled(link) for link in snapshot.links.values()}
        texts |= {policy.name: policy.cedar for policy in snapshot.policies.values()}
        self._engine, self.snapshot = Engine(texts, self._engine, self._kept), snapshot

    def ask(self, question: Question) -> Verdict:
        return self._engine.ask(question.principal, question.action, question.resource, question.context, question.connector)

    def slice(self, connector: str | None) -> Slice:
        """What can concern this connector, with its hash: equal questions under equal hashes have equal answers."""
        return self._engine.slice(connector)
