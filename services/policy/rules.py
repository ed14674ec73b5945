"""The rules of one snapshot: what the registry knows of a caller, and Cedar over its links and policies."""

from counterfoil.contracts.exchange_authorized import Evidence, Grounds
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil_server.domain import links
from counterfoil_server.domain.grants import Known
from counterfoil_server.domain.vocabulary import Question, Verdict
from counterfoil_server.runtime.cedar import Engine
from counterfoil_server.runtime.snapshot import EMPTY, Snapshot


class Rules:
    """Follows the registry's snapshot: the same object, the same rules."""

    def __init__(self) -> None:
        self._snapshot, self._engine = EMPTY, Engine({})

    def follow(self, snapshot: Snapshot) -> None:
        if snapshot is self._snapshot:
            return
        texts = {link.name: links.compiled(link) for link in snapshot.links.values()}
        texts |= {policy.name: policy.cedar for policy in snapshot.policies.values()}
        self._engine, self._snapshot = Engine(texts, self._engine), snapshot

    def ask(self, question: Question) -> Verdict:
        return self._engine.ask(question.principal, question.action, question.resource, question.context, question.connector)

    def known(self, who: IdentityVerified, evidence: Evidence) -> Known:
        connector = str(who.wish.get("connector"))
        return Known(
            Grounds(registry_revision=self._snapshot.revision),
            evidence,
            self._snapshot.connectors.get(connector),
            self._snapshot.link(connector, who.project, who.environment),
            self._snapshot.links_of(connector, who.project),
            frozenset(self._snapshot.installations.get(connector, ())),
        )
