"""exchange.verified: who asks, or why that is not known."""

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from counterfoil.contracts.base import Base64, Digest, ExchangeFact, JsonObject, Message, Topic

RejectionCode = Literal[
    "late",
    "bad_deadline",
    "unsealable",
    "unknown_key",
    "oversized",
    "malformed",
    "malformed_wish",
    "bad_header",
    "algorithm",
    "unknown_issuer",
    "bad_key",
    "bad_signature",
    "wrong_audience",
    "expired",
    "not_yet_valid",
    "too_old",
    "too_long",
    "bad_claims",
    "unmapped",
    "issuer_unavailable",
    "registry_unavailable",
]
RETRYABLE: frozenset[str] = frozenset({"late", "unknown_key", "issuer_unavailable", "registry_unavailable", "expired"})


class Basis(Message):
    """Every input of the verifier's decision that is not in the fact itself."""

    registry_revision: int
    issuer_entry: str | None = None
    issuer_hash: Digest | None = Field(default=None, description="SHA-256 over the canonical issuer entry")
    jwks_thumbprint: Digest | None = None
    schema_version: int = 1


class TokenUse(Message):
    """The token of a `single_use` issuer: spent in mint's intent transaction."""

    digest: Digest
    expires: int = Field(description="seconds since the epoch")


class IdentityVerified(ExchangeFact):
    stage: ClassVar[str] = "verify"
    sealed: ClassVar[frozenset[str]] = frozenset({"subject_box"})

    kind: Literal["identity.verified"] = "identity.verified"
    issuer: str
    sub_hash: Digest
    subject: str | None = Field(default=None, description="in clear only where the issuer entry says `subject: workload`")
    project: str
    environment: str
    claims: JsonObject = Field(description="each claim that the rule reads or policies may read; at most 16 KiB")
    wish: JsonObject = Field(description="as it came; SHA-256 of its canonical form is asked.wish_hash")
    token_use: TokenUse | None = None
    subject_box: Base64 = Field(description="the subject's text, sealed to audit")
    basis: Basis


class IdentityRejected(ExchangeFact):
    stage: ClassVar[str] = "verify"

    kind: Literal["identity.rejected"] = "identity.rejected"
    code: RejectionCode
    message: str = Field(max_length=1024)
    unverified_issuer: str | None = Field(default=None, max_length=512)
    sub_hash: Digest | None = Field(default=None, description="where the token was good and something else was not")
    project: str | None = None
    environment: str | None = None
    claims: JsonObject | None = Field(default=None, description="of `unmapped` only: each claim that the rule reads; at most 16 KiB")
    basis: Basis


TOPIC = Topic(
    "exchange.verified", carries=IdentityVerified | IdentityRejected, written_by=("verifier",), read_by=("policy", "audit"), keep=timedelta(hours=24)
)
