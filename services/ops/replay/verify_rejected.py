"""A rejection, made again where what it rests on is recorded; held against its issuer entry where it is not."""

import json
from collections.abc import Callable

from counterfoil.contracts.base import named
from counterfoil.contracts.exchange_verified import IdentityRejected
from counterfoil.contracts.registry import Issuer
from counterfoil.wire.canonical import digest
from counterfoil.wire.envelope import encode
from counterfoil_server.domain import replay
from counterfoil_server.replay.history import History
from services.ops.replay.verify_outcome import EQUAL, SHAPE, Outcome, compared, drifted
from services.ops.replay.verify_recorded import Recorded

Entry = tuple[Issuer, str]
"""With its hash."""


def rejected(one: Recorded, history: History, entries: Callable[[int, str], Entry | None]) -> Outcome:
    """Raises NoHistory. What rests on the token, or on a wish that could not be read, can be compared in shape and basis only."""
    try:
        fact = IdentityRejected.model_validate(one.fact)
    except ValueError:
        return drifted(one, "it is not of the form that it had to have")
    revision, entry = fact.basis.registry_revision, None
    history.at(revision)
    if fact.code in replay.AGAIN:
        derived = replay.rejected(fact)
        return drifted(one, "this code would not reject it before it saw the token") if derived is None else exactly(one, derived)
    if fact.basis.issuer_entry is not None and fact.unverified_issuer is not None:
        entry = entries(revision, fact.unverified_issuer)
        if entry is None or (entry[0].name, entry[1]) != (fact.basis.issuer_entry, fact.basis.issuer_hash):
            return drifted(one, f"the registry had another entry for the issuer {fact.unverified_issuer} at revision {revision}")
    if fact.code == "unknown_issuer" and entries(revision, str(fact.unverified_issuer)) is not None:
        return drifted(one, f"the registry had the issuer {fact.unverified_issuer} at revision {revision}")
    return unmapped(one, fact, entry) if fact.code == "unmapped" else in_shape(one, fact)


def unmapped(one: Recorded, fact: IdentityRejected, entry: Entry | None) -> Outcome:
    """Older code recorded no claims."""
    if entry is None or fact.message not in set(replay.unmapped(entry[0])):
        return drifted(one, "no rule of its issuer entry says this")
    if fact.claims is None:
        return in_shape(one, fact)
    derived = replay.unplaced(fact, *entry)
    return drifted(one, "this code would not reject these claims") if derived is None else exactly(one, derived)


def in_shape(one: Recorded, fact: IdentityRejected) -> Outcome:
    outcome = exactly(one, fact.model_copy(update={"id": named(IdentityRejected.stage, fact.asked.request_hash)}))
    return SHAPE if outcome is EQUAL else outcome


def exactly(one: Recorded, derived: IdentityRejected) -> Outcome:
    """Nothing of it is sealed: the hash of the very bytes that were sent is in the leaf."""
    value = encode(derived)
    outcome = compared(one, json.loads(value))
    return drifted(one, "its bytes are not those that were sent") if outcome is EQUAL and digest(value) != one.sha256 else outcome
