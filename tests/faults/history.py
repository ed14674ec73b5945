"""What happened, as each side saw it: clients, provider, ledger, audit log. Numbers, ids and words, so that a history can be made by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tests.faults.truth import Life

ALIVE = frozenset({"active", "revoking", "stuck", "uncertain"})
"""The states under which the ledger owns up to what may be alive."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A credential in a client's hands. `at`: when the broker had the answer, or the gateway's response came."""

    credential_id: UUID
    at: float
    leaf: bytes


@dataclass(slots=True)
class Ask:
    """`acked`: the broker said that it has the request. `ended`: credential, no, timeout or away; None where nobody ever knew."""

    request_id: UUID
    request_hash: str
    connector: str
    at: float
    deadline: float
    acked: bool = False
    ended: str | None = None
    code: str = ""
    ended_at: float | None = None
    deliveries: list[Delivery] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stop:
    """A connector's revocation: accepted, acknowledged as revoked with what is left, and lifted."""

    connector: str
    accepted_at: float
    revoked_at: float | None = None
    left: frozenset[UUID] = frozenset()
    lifted_at: float | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    hash: bytes
    at: float
    kind: str
    request_hash: str = ""
    credential_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Of the ledger. `deadline` is the request's; `revocation`: what its provider's class can do."""

    credential_id: UUID
    request_id: UUID
    request_hash: str
    connector: str
    state: str
    sent_at: float
    deadline: float
    expires_at: float
    revocation: str = "by_name"


@dataclass(frozen=True, slots=True)
class Ending:
    """A revocation of one credential, as its row has it."""

    credential_id: UUID
    state: str
    next_at: float
    attempts: int = 1


@dataclass
class History:
    """`ended`: credentials whose end the gateway accepted. `now`: when ledger, log and provider were read, after they had settled."""

    now: float
    asks: Sequence[Ask] = ()
    stops: Sequence[Stop] = ()
    ended: frozenset[UUID] = frozenset()
    lives: Sequence[Life] = ()
    rows: Sequence[Row] = ()
    endings: Sequence[Ending] = ()
    leaves: Sequence[Leaf] = ()
