"""What a batch means: which facts are new, whose answer stands, which credentials nobody will get. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from counterfoil.contracts.exchange_authorized import GrantDenied
from counterfoil.contracts.exchange_minted import CredentialMinted, MintRefused
from counterfoil.contracts.exchange_verified import IdentityRejected
from counterfoil_server.runtime.stage import Received
from services.audit.leaves import Entry

OUTCOMES: Mapping[type[Any], str] = {IdentityRejected: "rejected", GrantDenied: "denied", CredentialMinted: "minted", MintRefused: "refused"}
"""The facts that answer, and the word for each. All others are only recorded."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf as it lies in the log."""

    index: int
    hash: bytes
    bytes: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """The answer that a request got first. It stands, whatever is decided later."""

    request_hash: str
    outcome: str
    deadline: datetime
    fact_hash: bytes
    leaf: Leaf
    proof: str = field(repr=False)
    fact: Mapping[str, Any] = field(repr=False)
    credential_id: UUID | None = None
    box: str | None = field(default=None, repr=False)


Seen = Mapping[UUID, Mapping[bytes, Leaf]]
"""By the fact's id and its hash: what of a batch is in the log already."""


@dataclass(frozen=True, slots=True)
class Batch:
    """`asked_again`: who is to be told the answer that stands, by request_hash; a request is answered once a batch."""

    new: list[Entry] = field(default_factory=list)
    superseded: list[Entry] = field(default_factory=list)
    repeated: dict[int, Leaf] = field(default_factory=dict)
    wins: dict[str, Entry] = field(default_factory=dict)
    undelivered: set[UUID] = field(default_factory=set)
    asked_again: dict[str, Received] = field(default_factory=dict)


def sort(entries: Sequence[Entry], seen: Seen, standing: Mapping[str, Standing], now: datetime, partitions: int) -> Batch:
    """In the batch's order. A fact whose bytes are known is a repeat; one whose id alone is known is superseded: kept, and acted on by no one."""
    batch = Batch()
    known: dict[UUID, set[bytes]] = {}
    for entry in entries:
        hashes = known.setdefault(entry.fact_id, set(seen.get(entry.fact_id, ())))
        first = not hashes
        if entry.fact_hash in hashes:
            if leaf := seen.get(entry.fact_id, {}).get(entry.fact_hash):
                batch.repeated[leaf.index] = leaf
        else:
            batch.new.append(entry)
            if not first:
                batch.superseded.append(entry)
        hashes.add(entry.fact_hash)
        if type(entry.cause.fact) in OUTCOMES:
            _answer(batch, entry, standing, now, partitions, first=first)
    return batch


def _answer(batch: Batch, entry: Entry, standing: Mapping[str, Standing], now: datetime, partitions: int, *, first: bool) -> None:
    """The first fact about a request that says something wins. Past the deadline nothing is said any more."""
    fact, request_hash = entry.cause.fact, entry.cause.fact.asked.request_hash
    in_time = now < fact.asked.deadline
    if in_time:
        batch.asked_again[request_hash] = entry.cause
        if first and request_hash not in standing:
            batch.wins.setdefault(request_hash, entry)
    if isinstance(fact, CredentialMinted) and not _expected(batch, fact, standing, partitions):
        batch.undelivered.add(fact.credential_id)


def _expected(batch: Batch, fact: CredentialMinted, standing: Mapping[str, Standing], partitions: int) -> bool:
    """Whether this credential is in the answer that stands. One that was answered before may be in use: its repeat says nothing about that."""
    before = standing.get(fact.asked.request_hash)
    if before is not None:
        return before.credential_id == fact.credential_id
    won = batch.wins.get(fact.asked.request_hash)
    return won is not None and won.cause.fact is fact and fact.asked.reply_to.partition < partitions
