"""revocation.requested: an order that was given, with who gave it. Only the gateway writes it."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field

from counterfoil.contracts.base import Digest, Fact, Message, Topic


class Actor(Message):
    issuer: str
    sub_hash: Digest
    role: str = Field(description="app, operator, admin, or the service that gave the order by itself")


class Predicate(Message):
    """Which credentials. Members narrow each other; one with no member set is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    credential_id: UUID | None = None
    request_hash: Digest | None = None
    connector: str | None = None
    project: str | None = None
    environment: str | None = None
    issuer: str | None = None
    sub_hash: Digest | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class RevocationRequested(Fact):
    kind: Literal["revocation.requested"] = "revocation.requested"
    actor: Actor
    predicate: Predicate
    cause: str = Field(max_length=256)


TOPIC = Topic(
    "revocation.requested", carries=RevocationRequested, written_by=("gateway",), read_by=("revoker", "audit"), keep=timedelta(days=7), key="id"
)
