"""A log as the services would have written it: facts by the real functions, leaves by the audit service's own."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from counterfoil.contracts import exchange_authorized, exchange_minted, exchange_verified, registry_changed
from counterfoil.contracts.base import Fact, named
from counterfoil.contracts.exchange_authorized import Evidence, GrantApproved, GrantDenied
from counterfoil.contracts.exchange_verified import Basis, IdentityVerified
from counterfoil.contracts.registry_changed import RegistryChanged
from counterfoil.contracts.revocation_requested import Actor
from counterfoil.wire.canonical import canonical, digest
from counterfoil.wire.envelope import encode
from counterfoil.wire.merkle import leaf_hash
from counterfoil_server.domain import grants, links
from counterfoil_server.domain.known import look_up
from counterfoil_server.replay.history import History
from counterfoil_server.replay.source import EVERYTHING, Text, Window, members
from counterfoil_server.runtime.rulebook import Rulebook
from counterfoil_server.runtime.snapshot import Entry, Snapshot, dumped
from counterfoil_server.runtime.stage import Received
from services.audit.leaves import NONE_BEFORE, entry, leaf, microseconds
from tests.support.facts import NOW, asked

ACTOR = Actor(issuer="https://issuer.example", sub_hash="0" * 64, role="admin")
SIGNATURE = b"kid.1.0..sig"
TOPICS = {
    "identity": exchange_verified.TOPIC, "grant": exchange_authorized.TOPIC, "credential": exchange_minted.TOPIC, "mint": exchange_minted.TOPIC,
    "registry": registry_changed.TOPIC,
}  # fmt: skip


def received(fact: Fact, offset: int = 0, at: datetime = NOW) -> Received:
    topic = TOPICS[fact.kind.partition(".")[0]]
    return Received(topic, fact, encode(fact), {"signature": SIGNATURE}, 0, offset, int(at.timestamp() * 1000), "somebody")


class Traffic:
    """`source` is what replay reads: the leaves so far."""

    first, done = 0, 1.0

    def __init__(self, *entries: Entry) -> None:
        self.texts: list[Text] = []
        self.entries: dict[tuple[str, str], Entry] = {}
        self.revision, self.at, self.count = 0, NOW, 0
        self._last = NONE_BEFORE
        for one in entries:
            self.put(one)

    def record(self, fact: Fact) -> None:
        text = leaf(entry(received(fact)), len(self.texts), self._last, microseconds(self.at))
        self.texts.append((len(self.texts), text))
        self._last = leaf_hash(text)

    def change(self, change: str, kind: str, name: str, entry: dict[str, Any] | None = None) -> None:
        self.revision += 1
        given: Any = {"change": change, "entry_kind": kind, "name": name, "entry": entry}
        self.record(RegistryChanged(id=named("registry", str(self.revision)), at=self.at, revision=self.revision, actor=ACTOR, **given))

    def put(self, one: Entry) -> None:
        self.entries[one.kind, one.name] = one
        self.change("put", one.kind, one.name, dumped(one))

    def remove(self, kind: str, name: str) -> None:
        del self.entries[kind, name]
        self.change("removed", kind, name)

    def identity(self, **fields: Any) -> IdentityVerified:
        """The next request's, at the next second."""
        self.count += 1
        self.at += timedelta(seconds=1)
        wish = fields.pop("wish", {"connector": "postgres/demo", "scopes": ["read"]})
        what = asked(
            request_id=UUID(int=self.count), request_hash=digest(str(self.count).encode()), wish_hash=digest(canonical(wish)),
            deadline=self.at + timedelta(seconds=10), connector=wish["connector"],
        )  # fmt: skip
        usual: dict[str, Any] = {
            "at": self.at, "issuer": "https://issuer.example", "sub_hash": "c" * 64, "project": "web", "environment": "production",
            "claims": {"ref": "refs/heads/main"}, "wish": wish, "subject_box": "AAAA", "basis": Basis(registry_revision=self.revision),
        }  # fmt: skip
        return IdentityVerified.about(what, **{**usual, **fields})

    def decide(self, who: IdentityVerified, at: datetime | None = None) -> GrantApproved | GrantDenied:
        rules = Rulebook(links.compiled)
        rules.follow(Snapshot.of(self.revision, self.entries.values()))
        evidence = Evidence(value=encode(who).decode(), signature=SIGNATURE.decode())
        return grants.decide(who, look_up(rules.snapshot, who, evidence), rules.ask, at or self.at)

    def ask(self, *, decision_first: bool = False, **fields: Any) -> GrantApproved | GrantDenied:
        """One request, up to its decision, recorded."""
        who = self.identity(**fields)
        decision = self.decide(who)
        for fact in (decision, who) if decision_first else (who, decision):
            self.record(fact)
        return decision

    async def parts(self, window: Window = EVERYTHING) -> AsyncIterator[list[Text]]:
        yield window.of(self.texts)

    async def changes(self) -> list[Text]:
        return self.changed()

    def changed(self) -> list[Text]:
        return [(index, text) for index, text in self.texts if members(index, text)["fact"]["kind"] == "registry.changed"]

    async def facts(self, ids: Any) -> list[Text]:
        wanted = {str(one) for one in ids}
        return [(index, text) for index, text in self.texts if members(index, text)["fact"]["id"] in wanted]

    def history(self) -> History:
        return History.of(self.changed())
