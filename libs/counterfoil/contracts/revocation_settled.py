"""revocation.settled: how it ended. Apps read it, so it holds ids, the outcome and the time only."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from counterfoil.contracts.base import Fact, Topic


class Settled(Fact):
    credential_id: UUID
    revocation_id: UUID


class CredentialRevoked(Settled):
    kind: Literal["credential.revoked"] = "credential.revoked"
    outcome: Literal["revoked", "already_gone", "expired"] = "revoked"


class RevocationStuck(Settled):
    kind: Literal["revocation.stuck"] = "revocation.stuck"
    outcome: Literal["stuck"] = "stuck"


class RevocationUncertain(Settled):
    kind: Literal["revocation.uncertain"] = "revocation.uncertain"
    outcome: Literal["uncertain"] = "uncertain"


TOPIC = Topic(
    "revocation.settled",
    carries=CredentialRevoked | RevocationStuck | RevocationUncertain,
    written_by=("revoke",),
    read_by=("revoker", "audit", "gateway", "client"),
    keep=timedelta(days=7),
    key="credential_id",
)
