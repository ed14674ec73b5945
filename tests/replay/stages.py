"""Recorded messages as they lie on the topics: real facts, really signed, each with its place and time."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from counterfoil.contracts.base import Fact
from counterfoil.contracts.exchange_authorized import Evidence, GrantApproved
from counterfoil.contracts.exchange_minted import CredentialMinted, MintRefused, credential_id
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.wire.canonical import digest
from counterfoil.wire.envelope import encode
from counterfoil.wire.signing import Checker, PublicKey, Signer, SigningKey
from counterfoil_server.runtime.recorded import Message
from services.ops.replay.stage_ledger import Key, Row
from tests.replay.traffic import TOPICS, Traffic

ROLES = {"exchange.verified": "verifier", "exchange.authorized": "policy", "exchange.minted": "mint", "registry.changed": "gateway"}
KEYS = {role: SigningKey.generate(role) for role in ROLES.values()}
PUBLIC = {key.kid: PublicKey(key.kid, role, key.public, 0.0) for role, key in KEYS.items()}


def checker() -> Checker:
    return Checker(PUBLIC.get)


def message(fact: Fact, offset: int, at: datetime, value: bytes | None = None) -> Message:
    topic, value = TOPICS[fact.kind.partition(".")[0]], value or encode(fact)
    (signature,) = Signer(KEYS[ROLES[topic.name]]).sign(str(topic), [value])
    return Message(topic, 0, offset, int(at.timestamp() * 1000), value, {"signature": signature})


async def stream(messages: Iterable[Message]) -> AsyncIterator[Message]:
    for one in messages:
        yield one


class Walked(Traffic):
    """Traffic that lies on the topics too, and goes on to mint: what it recorded, and the ledger's rows."""

    def __init__(self, *entries: Any) -> None:
        self.messages: list[Message] = []
        self.ledger: dict[Key, list[Row]] = {}
        super().__init__(*entries)

    def record(self, fact: Fact) -> None:
        super().record(fact)
        self.messages.append(message(fact, len(self.messages), self.at))

    def approve(self, **fields: Any) -> GrantApproved:
        """The grant carries the very bytes and signature of the identity that lies on the topic."""
        who = self.identity(**fields)
        self.record(who)
        lain = self.messages[-1]
        decision = self.decide(who)
        assert isinstance(decision, GrantApproved)
        evidence = Evidence(value=lain.value.decode(), signature=lain.headers["signature"].decode())
        grant = decision.model_copy(update={"evidence": evidence})
        self.record(grant)
        return grant

    def mint(self, grant: GrantApproved | None = None, **changed: Any) -> CredentialMinted:
        grant = grant or self.approve()
        about = {name: getattr(grant, name) for name in ("connector", "installation", "issuer", "sub_hash", "project", "environment", "scopes")}
        minted: dict[str, Any] = about | {
            "at": self.at, "credential_id": credential_id(grant.asked.request_hash, 1), "attempt": 1, "expires_at": self.at + timedelta(minutes=5),
            "token_type": "x", "revocation": "by_name", "reach": "credential", "epoch": 1, "decision_hash": digest(encode(grant)), "box": "AAAA",
            "cred_digest": "d" * 64,
        }  # fmt: skip
        fact = CredentialMinted.after(grant, **{**minted, **changed})
        self.record(fact)
        self.enter(row(grant, self.at))
        return fact

    def refuse(self, grant: GrantApproved, code: str, **changed: Any) -> MintRefused:
        about: dict[str, Any] = {name: getattr(grant, name) for name in ("connector", "issuer", "sub_hash", "project", "environment")}
        about |= {"at": self.at, "code": code, "decision_hash": digest(encode(grant))}
        fact = MintRefused.after(grant, **{**about, **changed})
        self.record(fact)
        return fact

    def enter(self, one: Row) -> None:
        self.ledger.setdefault(one.key, []).append(one)

    async def rows(self, keys: Iterable[Key]) -> dict[Key, list[Row]]:
        return {key: self.ledger[key] for key in keys if key in self.ledger}

    def replace(self, place: int, **members: Any) -> None:
        """Another fact in a message's place, signed as well as the first."""
        old = self.messages[place]
        fact = old.received().fact.model_copy(update=members)
        self.messages[place] = message(fact, old.offset, old.at)


def row(grant: GrantApproved, sent_at: datetime, **changed: Any) -> Row:
    asked = grant.asked
    usual: Mapping[str, Any] = {
        "issuer": grant.issuer, "sub_hash": grant.sub_hash, "request_id": asked.request_id, "attempt": 1, "state": "active",
        "request_hash": asked.request_hash, "credential_id": credential_id(asked.request_hash, 1), "epoch": 1, "connector": grant.connector,
        "installation": grant.installation, "project": grant.project, "environment": grant.environment, "sent_at": sent_at,
    }  # fmt: skip
    return Row(**{**usual, **changed})


def again(who: IdentityVerified, **asked: Any) -> dict[str, Any]:
    """Of another request under the same id."""
    return {"asked": who.asked.model_copy(update={"request_hash": digest(b"again"), **asked}), "id": UUID(int=99)}
