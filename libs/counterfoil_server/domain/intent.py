"""Whether a grant may be minted now, given what the ledger knows: read under the fence, decided here, written by the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil.contracts.exchange_minted import RefusalCode
from counterfoil_server.domain.limits import Reached

STALE = timedelta(seconds=5)
SKEW = timedelta(seconds=5)
MOST_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Earlier:
    """A ledger row of the same caller and request_id."""

    attempt: int
    state: str
    request_hash: str
    wish_hash: str
    credential_id: UUID
    fact: bytes | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database said under the locks. `revision` is the oldest registry revision that may still mint for this connector."""

    state: str
    epoch: int
    revision: int
    blocked: bool
    audit_at: datetime | None
    audit_caught_up: datetime | None
    database_now: datetime
    token_spent_by: str | None
    earlier: Sequence[Earlier] = ()
    limit: Reached | None = None


@dataclass(frozen=True, slots=True)
class Mint:
    """Write the intent. `abandon`: an attempt that someone began and will not finish."""

    attempt: int
    abandon: UUID | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """The first fact again, byte for byte."""

    fact: bytes


@dataclass(frozen=True, slots=True)
class Refuse:
    """`end`: what an earlier request under this id minted, and whose answer nobody has. `unfinished`: its call may yet take effect."""

    code: RefusalCode
    message: str
    end: UUID | None = None
    retry_after: int | None = None
    unfinished: bool = False


def decide(grant: GrantApproved, oldest_revision: int, standing: Standing, now: datetime, *, by_name: bool) -> Mint | Repeat | Refuse:
    """A repeat is answered with the first fact whatever the clock says; everything else has to be allowed now."""
    twin = [row for row in standing.earlier if row.request_hash == grant.asked.request_hash]
    others = [row for row in standing.earlier if row.request_hash != grant.asked.request_hash]
    if answered := next((row.fact for row in reversed(twin) if row.fact), None):
        return Repeat(answered)
    if refused := repeated(grant, others):
        return refused
    return barred(grant, oldest_revision, standing, now) or attempt(twin, by_name=by_name)


def repeated(grant: GrantApproved, others: Sequence[Earlier]) -> Refuse | None:
    """The id was used before, by the same caller, in other bytes."""
    if any(row.wish_hash != grant.asked.wish_hash for row in others):
        return Refuse("request_id_reused", "this request_id was used for another wish")
    if any(row.state == "minting" for row in others):
        return Refuse("in_progress", "an earlier request with this request_id is being minted")
    if others:
        live = next((row.credential_id for row in others if row.state == "active"), None)
        return Refuse("already_answered", "an earlier request with this request_id was answered: what it minted is revoked", live)
    return None


def barred(grant: GrantApproved, oldest_revision: int, standing: Standing, now: datetime) -> Refuse | None:
    if now >= grant.asked.deadline:
        return Refuse("late", "the deadline has passed")
    if abs(standing.database_now - now) > SKEW:
        return Refuse("clock_skew", "this process's clock and the database's differ by more than 5 s")
    if standing.state != "active" or standing.blocked:
        return Refuse("revoked", "the connector is fenced, or a block stands against this caller")
    if oldest_revision < standing.revision:
        return Refuse("stale_decision", "the registry changed after this was decided")
    if not caught_up(standing):
        return Refuse("audit_unavailable", "the audit log is down or behind: nothing is minted that it could not record")
    if standing.token_spent_by not in (None, grant.asked.request_hash):
        return Refuse("replayed", "this issuer's tokens are good for one request, and this one was used")
    if standing.limit:
        return Refuse("limited", standing.limit.message, retry_after=standing.limit.wait)
    return None


def caught_up(standing: Standing) -> bool:
    if standing.audit_at is None or standing.audit_caught_up is None:
        return False
    return standing.database_now - min(standing.audit_at, standing.audit_caught_up) <= STALE


def attempt(twin: Sequence[Earlier], *, by_name: bool) -> Mint | Refuse:
    """The same message again after a crash: whoever began may have sent the call. Only a name tells what came of it."""
    if not twin:
        return Mint(1)
    last = max(twin, key=lambda row: row.attempt)
    if not by_name:
        message = "an earlier attempt was interrupted, and this provider cannot say what came of it"
        return Refuse("provider_unknown", message, last.credential_id, unfinished=True)
    if last.attempt >= MOST_ATTEMPTS:
        return Refuse("provider_unknown", "too many attempts were interrupted", last.credential_id, unfinished=True)
    return Mint(last.attempt + 1, abandon=last.credential_id if last.state == "minting" else None)
