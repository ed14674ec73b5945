"""A fact -> what its leaf of the audit log holds: all of it, in one spelling, what is sealed by its hash only. Pure."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.wire.armor import from_url
from counterfoil.wire.canonical import DEEPEST, NotCanonical, NotJson, canonical, digest, strict_json
from counterfoil_server.runtime.stage import DeadLetter, Received

NONE_BEFORE = bytes(32)
"""What the first leaf names as its predecessor."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One fact, ready to become a leaf."""

    cause: Received
    fact_hash: bytes
    members: dict[str, Any] = field(repr=False)
    text: str = field(repr=False)
    """Canonical. Made before the log's order is known: whatever cannot be canonical must not hold up the others' leaves."""
    subject_box: bytes = field(default=b"", repr=False)

    @property
    def about(self) -> UUID | None:
        """The request that this fact speaks of, else the credential, else the consent: by that its leaf is found."""
        known = vars(self.cause.fact)
        asked, predicate = known.get("asked"), known.get("predicate")
        found: UUID | None = (
            asked.request_id if asked else predicate.credential_id if predicate else known.get("credential_id") or known.get("consent_id")
        )
        return found

    @property
    def fact_id(self) -> UUID:
        fact_id: UUID = self.cause.fact.id
        return fact_id


def entry(received: Received) -> Entry:
    """From the exact bytes, since a leaf holds what this reader's model does not know too. DeadLetter: they have no canonical form."""
    fact = received.fact
    try:
        members = strict_json(received.value, exact=True, deepest=DEEPEST - 1)  # the leaf stands around it
        if not isinstance(members, dict):
            raise DeadLetter("not_canonical")
        text = canonical(shown(members, fact.sealed), exact=True).decode()
        box = from_url(fact.subject_box.encode()) if isinstance(fact, IdentityVerified) else b""
    except (NotJson, NotCanonical):
        raise DeadLetter("not_canonical") from None
    except ValueError:
        raise DeadLetter("bad_box") from None
    return Entry(received, hashlib.sha256(received.value).digest(), members, text, box)


def shown(members: dict[str, Any], sealed: frozenset[str]) -> dict[str, Any]:
    """Ciphertext in an append-only tree could never be shredded, and evidence is a leaf of its own."""
    return {**members, **{name: by_hash(members[name]) for name in sealed if name in members}} if sealed else members


def by_hash(member: Any) -> dict[str, str]:
    text = member if isinstance(member, str) else member["value"]
    return {"sha256": digest(text.encode())}


def leaf(entry: Entry, seq: int, previous: bytes, time: str) -> bytes:
    """RFC 8785 of {v, seq, prev, time, fact, fact_sha256}, around the fact's own canonical text: members stand in the order of their names."""
    return (f'{{"fact":{entry.text},"fact_sha256":"{entry.fact_hash.hex()}","prev":"{previous.hex()}","seq":{seq},"time":"{time}","v":1}}').encode()


def microseconds(now: datetime) -> str:
    """RFC 3339 in UTC, to the microsecond: text, since a float has no canonical form."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
