"""What mint works on: a grant whose evidence was checked, and the intent that the ledger wrote for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil.contracts.exchange_minted import credential_id
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.contracts.registry import Connector
from counterfoil_server.domain.limits import Cap
from counterfoil_server.runtime.stage import Received
from counterfoil_server.runtime.telemetry import current
from services.providers.seam import Borrower, Idempotency, Order, Provider

Key = tuple[str, str, UUID]


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    received: Received = field(repr=False)
    grant: GrantApproved
    who: IdentityVerified = field(repr=False)
    decision_hash: str
    connector: Connector
    provider: Provider
    config: Mapping[str, object] = field(repr=False)
    caps: tuple[Cap, ...] = ()

    @property
    def key(self) -> Key:
        """An id is worth nothing to a stranger: it means something only together with its caller."""
        return self.grant.issuer, self.grant.sub_hash, self.grant.asked.request_id

    @property
    def by_name(self) -> bool:
        return self.provider.idempotency is Idempotency.BY_NAME

    @property
    def oldest_revision(self) -> int:
        return min(self.grant.grounds.registry_revision, self.who.basis.registry_revision)

    @property
    def traceparent(self) -> str | None:
        """Of the mint itself, so that what ends the credential can be linked to it."""
        found = current.traceparent(self.received)
        return found.decode("ascii", "replace") if found else None


@dataclass(frozen=True, slots=True, eq=False)
class Intent:
    """Durable before the provider hears of it."""

    wanted: Wanted
    attempt: int
    epoch: int
    sent_at: datetime
    window_closes_at: datetime
    expires_at: datetime
    credential_id: UUID = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "credential_id", credential_id(self.wanted.grant.asked.request_hash, self.attempt))

    def order(self) -> Order:
        grant, connector = self.wanted.grant, self.wanted.connector
        return Order(
            self.credential_id,
            connector.name,
            grant.installation,
            self.wanted.config,
            grant.scopes,
            grant.details,
            self.expires_at,
            self.window_closes_at,
            Borrower(grant.sub_hash, grant.project, grant.environment),
        )
