"""exchange.authorized: what policy said."""

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field

from counterfoil.contracts.base import Digest, ExchangeFact, JsonObject, Message, Scopes, Topic

DenialCode = Literal["late", "no_link", "beyond_ceiling", "forbidden", "policy_error", "registry_unavailable"]
RETRYABLE: frozenset[str] = frozenset({"late", "registry_unavailable"})


class Evidence(Message):
    """The IdentityVerified that a grant rests on: its bytes (they are UTF-8) and their signature, exactly as they lay on the topic."""

    value: str
    signature: str


class Grounds(Message):
    """Every input of the decision that is not in the facts themselves."""

    registry_revision: int
    policy_hash: Digest | None = Field(default=None, description="SHA-256 over the policies that were evaluated")
    schema_version: int = 1


class GrantApproved(ExchangeFact):
    stage: ClassVar[str] = "authorize"
    sealed: ClassVar[frozenset[str]] = frozenset({"evidence"})

    kind: Literal["grant.approved"] = "grant.approved"
    connector: str
    installation: str
    issuer: str
    sub_hash: Digest
    project: str
    environment: str
    scopes: Scopes
    details: tuple[JsonObject, ...] = ()
    user: Digest | None = Field(default=None, description="the end user on whose behalf; absent: the app's own")
    lifetime: int = Field(ge=1, description="seconds: the lesser of asked and ceiling where none was asked; asked beyond it is denied")
    rule: str
    grounds: Grounds
    evidence: Evidence


class GrantDenied(ExchangeFact):
    stage: ClassVar[str] = "authorize"

    kind: Literal["grant.denied"] = "grant.denied"
    connector: str
    issuer: str
    sub_hash: Digest
    project: str
    environment: str
    code: DenialCode
    rule: str | None = None
    beyond: Scopes = frozenset()
    beyond_details: tuple[JsonObject, ...] = ()
    beyond_lifetime: int | None = Field(default=None, description="seconds beyond the ceiling")
    nearest: JsonObject | None = Field(default=None, description="the nearest thing that would have been allowed")
    message: str = Field(default="", max_length=2048)
    entitled: bool = Field(default=False, description="whether the caller may read this reason")
    grounds: Grounds


TOPIC = Topic("exchange.authorized", carries=GrantApproved | GrantDenied, written_by=("policy",), read_by=("mint", "audit"), keep=timedelta(hours=24))
