"""A log as the services would have written it, made by the pure core: the rules decide, audit's own code makes the leaves. No process, no bus."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from counterfoil.contracts import exchange_authorized, exchange_verified, registry_changed
from counterfoil.contracts.base import Asked, ExchangeFact, Fact, ReplyTo, Topic, named
from counterfoil.contracts.exchange_authorized import Evidence
from counterfoil.contracts.exchange_verified import Basis, IdentityRejected, IdentityVerified, TokenUse
from counterfoil.contracts.registry import Issuer
from counterfoil.contracts.registry_changed import RegistryChanged
from counterfoil.contracts.revocation_requested import Actor
from counterfoil.wire.canonical import canonical, digest
from counterfoil.wire.envelope import encode
from counterfoil.wire.merkle import leaf_hash
from counterfoil_server.domain import grants, identity, links, wishes
from counterfoil_server.domain.known import look_up
from counterfoil_server.runtime.rulebook import Rulebook
from counterfoil_server.runtime.snapshot import EMPTY, Entry, Snapshot, dumped
from counterfoil_server.runtime.stage import Received
from counterfoil_server.runtime.tokens.entry_hash import entry_hash
from services.audit.leaves import NONE_BEFORE, entry, leaf, microseconds

ACTOR = Actor(issuer="urn:counterfoil:bench", sub_hash=digest(b"bench"), role="admin")
KEY = "A" * 43
SEAL = "c2VhbGVk" * 40
SIGNATURE = "b62e867fa2f33afe.2.0." + "K" * 43 + "." + "C" * 86


class Recorder:
    """Facts in, leaves out. `entries` is the registry now; each change is a revision and a leaf of its own."""

    def __init__(self, now: datetime, rules: Rulebook | None = None) -> None:
        self.now = now
        self.rules = rules or Rulebook(links.compiled)
        self.snapshot: Snapshot = EMPTY
        self.size = 0
        self._before = NONE_BEFORE
        self._entries: dict[tuple[str, str], Entry] = {}
        self._hashes: dict[int, str] = {}

    def leaf(self, topic: Topic, fact: Fact) -> tuple[int, bytes]:
        received = Received(topic, fact, encode(fact), {}, 0, 0, 0)
        text = leaf(entry(received), self.size, self._before, microseconds(self.now))
        index, self._before, self.size = self.size, leaf_hash(text), self.size + 1
        return index, text

    def put(self, one: Entry) -> RegistryChanged:
        self._entries[one.kind, one.name] = one
        return self._changed("put", one.kind, one.name, dumped(one))

    def remove(self, one: Entry) -> RegistryChanged:
        del self._entries[one.kind, one.name]
        return self._changed("removed", one.kind, one.name, None)

    def note(self, change: Any, kind: str, name: str, shown: dict[str, Any] | None = None) -> RegistryChanged:
        """What is a revision and no change of an entry: a fence, a block, a key."""
        return self._changed(change, kind, name, shown)

    def _changed(self, change: Any, kind: str, name: str, shown: dict[str, Any] | None) -> RegistryChanged:
        revision = self.snapshot.revision + 1
        self.snapshot = Snapshot.of(revision, self._entries.values())
        self.rules.follow(self.snapshot)
        fact_id = named("registry", str(revision))
        return RegistryChanged(
            id=fact_id, at=self.now, revision=revision, actor=ACTOR, change=change, entry_kind=kind, name=name, entry=shown
        )  # fmt: skip

    def changed(self, fact: RegistryChanged) -> tuple[int, bytes]:
        return self.leaf(registry_changed.TOPIC, fact)

    def asked(self, number: int, wish: Any, ahead: float = 10) -> Asked:
        request_id = named("bench", str(number))
        return Asked(
            request_id=request_id,
            request_hash=digest(request_id.bytes),
            wish_hash=digest(canonical(wish)),
            requester_key=KEY,
            reply_to=ReplyTo(partition=number % 4, instance="gateway-0"),
            deadline=self.now + timedelta(seconds=ahead),
            connector=wishes.connector_of(wish),
        )

    def identified(self, issuer: Issuer, subject: str, claims: Mapping[str, Any], wish: Any, asked: Asked) -> IdentityVerified | IdentityRejected:
        """What the verifier says once a token was good."""
        basis = Basis(registry_revision=self.snapshot.revision)
        if no := identity.unproven(asked, basis, self.now, fresh=True):
            return no
        hashed, read = digest(f"{issuer.issuer}\0{subject}".encode()), identity.chosen(issuer, claims)
        use = TokenUse(digest=digest(subject.encode()), expires=int(asked.deadline.timestamp())) if issuer.single_use else None
        who = identity.Proven(issuer, read, hashed, subject if issuer.subject == "workload" else None, SEAL, use)
        known = {"issuer_entry": issuer.name, "issuer_hash": self._hash(issuer), "jwks_thumbprint": digest(b"keys")}
        return identity.decide(asked, who, wish, bad(wish), basis.model_copy(update=known), self.now)

    def authorized(self, who: IdentityVerified, *, fresh: bool = True) -> ExchangeFact:
        evidence = Evidence(value=encode(who).decode(), signature=SIGNATURE)
        known = look_up(self.rules.snapshot, who, evidence)
        return grants.decide(who, known, self.rules.ask, self.now) if fresh else grants.unavailable(who, known, self.now)

    def authorized_leaf(self, who: IdentityVerified, *, fresh: bool = True) -> tuple[int, bytes]:
        return self.leaf(exchange_authorized.TOPIC, self.authorized(who, fresh=fresh))

    def exchange(self, number: int, issuer: Issuer, subject: str, claims: Mapping[str, Any], wish: Any) -> Iterator[tuple[int, bytes]]:
        """The leaves of one: who it was, and what policy said."""
        who = self.identified(issuer, subject, claims, wish, self.asked(number, wish))
        yield self.leaf(exchange_verified.TOPIC, who)
        if isinstance(who, IdentityVerified):
            yield self.authorized_leaf(who)

    def _hash(self, issuer: Issuer) -> str:
        known = self._hashes.get(id(issuer))
        if known is None:
            known = self._hashes[id(issuer)] = entry_hash(issuer)
        return known


def bad(wish: Any) -> str | None:
    try:
        wishes.read(wish)
    except wishes.BadWish as error:
        return str(error)
    return None
