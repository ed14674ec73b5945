"""revocation.ordered: one credential has to die, with the cause."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from counterfoil.contracts.base import Fact, Topic, named

Cause = Literal["requested", "expired", "undelivered", "superseded", "orphan"]


def revocation_id(credential_id: UUID) -> UUID:
    """A credential dies once: whatever orders it, the order is the same."""
    return named("revocation", str(credential_id))


class RevocationOrdered(Fact):
    kind: Literal["revocation.ordered"] = "revocation.ordered"
    credential_id: UUID
    connector: str
    cause: Cause
    order_id: UUID | None = None


TOPIC = Topic(
    "revocation.ordered", carries=RevocationOrdered, written_by=("revoker",), read_by=("revoke", "audit"), keep=timedelta(days=7), key="credential_id"
)
