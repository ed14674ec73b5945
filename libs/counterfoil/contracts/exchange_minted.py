"""exchange.minted: a credential, or why there is none."""

from datetime import timedelta
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from counterfoil.contracts.base import Base64, Digest, ExchangeFact, JsonObject, Scopes, Topic, named

RefusalCode = Literal[
    "late",
    "request_id_reused",
    "in_progress",
    "already_answered",
    "replayed",
    "revoked",
    "stale_decision",
    "audit_unavailable",
    "evidence_mismatch",
    "beyond_evidence",
    "unknown_connector",
    "provider_refused",
    "provider_unavailable",
    "provider_unknown",
    "gave_more",
    "superseded",
    "clock_skew",
    "limited",
    "consent_required",
]
RETRYABLE: frozenset[str] = frozenset({
    "late", "in_progress", "already_answered", "stale_decision", "audit_unavailable", "provider_unavailable", "clock_skew", "limited",
})  # fmt: skip


def credential_id(request_hash: str, attempt: int) -> UUID:
    return named("credential", request_hash, str(attempt))


class CredentialMinted(ExchangeFact):
    stage: ClassVar[str] = "mint"
    sealed: ClassVar[frozenset[str]] = frozenset({"box"})

    kind: Literal["credential.minted"] = "credential.minted"
    credential_id: UUID
    attempt: int = Field(ge=1)
    connector: str
    installation: str
    issuer: str
    sub_hash: Digest
    project: str
    environment: str
    scopes: Scopes
    details: tuple[JsonObject, ...] = ()
    user: Digest | None = Field(default=None, description="the end user on whose behalf")
    expires_at: AwareDatetime
    token_type: str
    revocation: str = Field(description="the provider's class: what a revocation can do")
    reach: str
    epoch: int = Field(description="the connector's, when the intent was written")
    decision_hash: Digest = Field(description="SHA-256 of the exact GrantApproved")
    cred_digest: Digest = Field(description="keyed digest of the secret, so that a leaked token can be matched")
    box: Base64 = Field(description="the credential, sealed to the requester")


class MintRefused(ExchangeFact):
    stage: ClassVar[str] = "mint"

    kind: Literal["mint.refused"] = "mint.refused"
    connector: str
    issuer: str
    sub_hash: Digest
    project: str
    environment: str
    code: RefusalCode
    message: str = Field(default="", max_length=1024)
    retry_after: int | None = Field(default=None, ge=1, description="seconds; where a limit was reached")
    credential_id: UUID | None = None
    decision_hash: Digest


TOPIC = Topic("exchange.minted", carries=CredentialMinted | MintRefused, written_by=("mint",), read_by=("audit",), keep=timedelta(hours=24))
