"""Facts of one exchange each, as the stages before audit would write them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from counterfoil.contracts import exchange_authorized, exchange_minted, exchange_verified
from counterfoil.contracts.base import Asked, ExchangeFact, ReplyTo, Topic
from counterfoil.contracts.exchange_authorized import Evidence, GrantApproved, GrantDenied, Grounds
from counterfoil.contracts.exchange_minted import CredentialMinted, MintRefused, credential_id
from counterfoil.contracts.exchange_verified import Basis, IdentityRejected, IdentityVerified
from counterfoil.wire.armor import to_url
from counterfoil.wire.canonical import digest
from counterfoil.wire.envelope import encode
from counterfoil.wire.opening_key import OpeningKey
from counterfoil_server.runtime.stage import Received

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
STRANGER = to_url(OpeningKey.generate().public).decode()
TOPICS: Mapping[type[ExchangeFact], Topic] = {
    IdentityVerified: exchange_verified.TOPIC,
    IdentityRejected: exchange_verified.TOPIC,
    GrantApproved: exchange_authorized.TOPIC,
    GrantDenied: exchange_authorized.TOPIC,
    CredentialMinted: exchange_minted.TOPIC,
    MintRefused: exchange_minted.TOPIC,
}
CALLER: Mapping[str, Any] = {"issuer": "https://issuer.example", "sub_hash": "c" * 64, "project": "web", "environment": "production"}


def asked(key: str = STRANGER, *, partition: int = 0, deadline: datetime = NOW + timedelta(seconds=10), connector: str = "postgres/demo") -> Asked:
    """A request of its own each time."""
    request_id = uuid4()
    return Asked(
        request_id=request_id,
        request_hash=digest(request_id.bytes),
        wish_hash="b" * 64,
        requester_key=key,
        reply_to=ReplyTo(partition=partition, instance="gateway-0"),
        deadline=deadline,
        connector=connector,
    )


def verified(about: Asked, **fields: Any) -> IdentityVerified:
    usual = {**CALLER, "at": NOW, "claims": {"ref": "main"}, "wish": {"connector": about.connector}, "subject_box": "c3ViamVjdA", "basis": BASIS}
    return IdentityVerified.about(about, **{**usual, **fields})


def rejected(about: Asked, **fields: Any) -> IdentityRejected:
    return IdentityRejected.about(about, **{"at": NOW, "code": "expired", "message": "exp is in the past", "basis": BASIS, **fields})


def approved(about: Asked, **fields: Any) -> GrantApproved:
    evidence = Evidence(value=encode(verified(about)).decode(), signature="kid.1.0..sig")
    usual = {**CALLER, "at": NOW, "connector": about.connector, "installation": "main", "scopes": {"read"}, "lifetime": 300, "rule": "link"}
    return GrantApproved.about(about, **{**usual, "grounds": GROUNDS, "evidence": evidence, **fields})


def denied(about: Asked, **fields: Any) -> GrantDenied:
    usual = {**CALLER, "at": NOW, "connector": about.connector, "code": "forbidden", "rule": "no-weekends", "grounds": GROUNDS, "entitled": True}
    return GrantDenied.about(about, **{**usual, **fields})


def minted(about: Asked, attempt: int = 1, **fields: Any) -> CredentialMinted:
    usual = {**CALLER, "at": NOW, "connector": about.connector, "installation": "main", "scopes": {"read"}, "token_type": "N_A"}
    usual |= {"expires_at": NOW + timedelta(minutes=5), "revocation": "name", "reach": "credential", "epoch": 1, "decision_hash": "d" * 64}
    usual |= {"credential_id": credential_id(about.request_hash, attempt), "attempt": attempt, "cred_digest": "e" * 64, "box": "c2VjcmV0"}
    return CredentialMinted.about(about, **{**usual, **fields})


def refused(about: Asked, **fields: Any) -> MintRefused:
    usual = {**CALLER, "at": NOW, "connector": about.connector, "code": "provider_refused", "decision_hash": "d" * 64}
    return MintRefused.about(about, **{**usual, **fields})


def received(fact: Any, *, topic: Topic | None = None, at_ms: int = 0, headers: Mapping[str, bytes] = {}, value: bytes = b"") -> Received:
    return Received(topic or TOPICS[type(fact)], fact, value or encode(fact), headers, 0, 0, at_ms)


BASIS = Basis(registry_revision=7)
GROUNDS = Grounds(registry_revision=7)
