"""A history -> what it violates, by invariant. Pure: nothing is asked, everything was seen. Of each class no more is claimed than it promises."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from uuid import UUID

from tests.faults.history import ALIVE, History, Row
from tests.faults.truth import Life

OVERDUE = 5.0
"""Seconds after its time by which what does not end by itself is dead."""
UNANSWERED = 35.0
"""Seconds after the deadline by which nothing is alive that nobody was given."""
SLOW_LOOP = 2.0
"""How much later than its deadline a client may come to look: it shares two cores with everything that is killed."""
NOBODY_TRIES = 120.0
TICK = 0.002
"""Kafka's clock has milliseconds, rounded up here."""


def i1(seen: History) -> Iterator[str]:
    """Delivered: a durable leaf stood first, and it is the leaf that was shown."""
    leaves = {leaf.hash: leaf for leaf in seen.leaves}
    for ask in seen.asks:
        for one in ask.deliveries:
            leaf = leaves.get(one.leaf)
            if leaf is None or leaf.kind != "credential.minted" or leaf.credential_id != one.credential_id:
                yield f"{one.credential_id} was delivered, and the log has no such leaf"
            elif leaf.at > one.at:
                yield f"{one.credential_id} was delivered before its leaf"


def i2(seen: History) -> Iterator[str]:
    """Whatever lives is in the ledger, and was there before it lived; what nobody was given and what is overdue is dead; what is active lives.

    One end by principal ends others too, which the ledger cannot know.
    """
    yield from uncertain(seen)
    rows, given = {row.credential_id: row for row in seen.rows}, {one.credential_id for ask in seen.asks for one in ask.deliveries}
    for life in seen.lives:
        row = rows.get(life.name)
        if row is None:
            yield f"{life.name} was minted, and the ledger never knew"
        elif row.sent_at > life.minted_at:
            yield f"{life.name} was minted before its intent"
        elif life.alive(seen.now) and row.state not in ALIVE:
            yield f"{life.name} is alive, and the ledger says {row.state}"
        elif life.alive(seen.now) and row.state == "active":
            yield from left_alive(row, seen.now, given=life.name in given)
        elif row.state == "active" and row.revocation != "by_principal":
            yield f"{life.name} is dead, and the ledger says active"


def uncertain(seen: History) -> Iterator[str]:
    """Said of lost answers alone, where only the token could end what was made; and no longer than it can live."""
    lives: dict[UUID, list[Life]] = defaultdict(list)
    for life in seen.lives:
        lives[life.name].append(life)
    for row in seen.rows:
        if row.state != "uncertain":
            continue
        if row.revocation != "by_possession":
            yield f"{row.credential_id} is uncertain, and could be ended {row.revocation}"
        if seen.now > row.expires_at + OVERDUE:
            yield f"{row.credential_id} is uncertain, and surely dead"
        for life in lives[row.credential_id]:
            if life.ended_at is not None:
                yield f"{row.credential_id} was ended, and the ledger says uncertain"
            elif life.alive(row.expires_at):
                yield f"{row.credential_id} is uncertain until {row.expires_at:.0f}, and lives on"


def left_alive(row: Row, now: float, *, given: bool) -> Iterator[str]:
    if not given and now > row.deadline + UNANSWERED:
        yield f"{row.credential_id} is alive, and nobody was given it"
    if now > row.expires_at + OVERDUE:
        yield f"{row.credential_id} is alive after its time"


def i3(seen: History) -> Iterator[str]:
    """One request_id delivers at most one credential, and it is its own."""
    found: dict[UUID, set[UUID]] = defaultdict(set)
    requests = {row.credential_id: row.request_id for row in seen.rows}
    for ask in seen.asks:
        for one in ask.deliveries:
            found[ask.request_id].add(one.credential_id)
            if requests.get(one.credential_id, ask.request_id) != ask.request_id:
                yield f"{one.credential_id} was delivered to another request"
    yield from (f"{request} was given {len(ids)} credentials" for request, ids in found.items() if len(ids) > 1)


def i4(seen: History) -> Iterator[str]:
    """By name: at most one live credential for a request."""
    hashes = {row.credential_id: row.request_hash for row in seen.rows if row.revocation == "by_name"}
    alive: dict[str, list[UUID]] = defaultdict(list)
    for life in seen.lives:
        if life.alive(seen.now) and life.name in hashes:
            alive[hashes[life.name]].append(life.name)
    yield from (f"{request_hash[:8]} has {len(names)} live credentials" for request_hash, names in alive.items() if len(names) > 1)


def i5(seen: History) -> Iterator[str]:
    """From `accepted` on nothing that was begun before is delivered; from `revoked` on no mint takes effect; until it is lifted, nothing is begun."""
    begun = {row.credential_id: row.sent_at for row in seen.rows}
    for stop in seen.stops:
        until = stop.lifted_at or float("inf")
        for ask in seen.asks:
            if ask.connector != stop.connector:
                continue
            for one in ask.deliveries:
                if one.at > stop.accepted_at + TICK and (begun.get(one.credential_id, 0) < stop.accepted_at or one.at < until):
                    began = begun.get(one.credential_id, 0) - stop.accepted_at
                    yield f"{one.credential_id} was delivered {one.at - stop.accepted_at:.3f} s after the stop was accepted (begun {began:.3f} s)"
        for life in seen.lives:
            if stop.revoked_at is not None and life.connector == stop.connector and stop.revoked_at < life.minted_at < until:
                yield f"{life.name} was minted {life.minted_at - stop.revoked_at:.3f} s after revoked"


def i6(seen: History) -> Iterator[str]:
    """What lives after `revoked` is listed there."""
    for stop in seen.stops:
        for life in seen.lives:
            if stop.revoked_at is not None and life.connector == stop.connector and life.alive(stop.revoked_at) and life.name not in stop.left:
                yield f"{life.name} was alive when {stop.connector} was said to be revoked"


def i7(seen: History) -> Iterator[str]:
    """A revocation is confirmed by the provider, or visible; never dropped."""
    alive = {life.name for life in seen.lives if life.alive(seen.now)}
    endings = {one.credential_id: one for one in seen.endings}
    for row in seen.rows:
        ending = endings.get(row.credential_id)
        if row.credential_id in alive and (row.state in {"revoked", "expired"} or (ending is not None and ending.state == "confirmed")):
            yield f"{row.credential_id} counts as ended, and lives"
        elif ending is not None and ending.state == "confirmed" and row.state in {"minting", "active", "revoking"}:
            yield f"{row.credential_id} is {row.state}, and its end counts as confirmed"
        elif ending is None and (row.state == "revoking" or (row.credential_id in seen.ended and row.state == "active")):
            yield f"{row.credential_id} shall end, and no row says so"
        elif ending is not None and ending.state not in {"confirmed", "abandoned", "uncertain"} and ending.next_at < seen.now - NOBODY_TRIES:
            yield f"{row.credential_id} is {ending.state}, and nobody tries any more"


def l1(seen: History) -> Iterator[str]:
    """Every request ends within its deadline, and the log knows of every one that the broker had."""
    known = {leaf.request_hash for leaf in seen.leaves}
    for ask in seen.asks:
        if ask.ended is None or ask.ended_at is None:
            yield f"{ask.request_id} never ended"
        elif ask.ended_at > ask.deadline + SLOW_LOOP:
            yield f"{ask.request_id} ended {ask.ended_at - ask.deadline:.1f} s after its deadline"
        if ask.acked and ask.request_hash and ask.request_hash not in known:
            yield f"{ask.request_id} was acknowledged and lost"


INVARIANTS: Mapping[str, Callable[[History], Iterator[str]]] = {"I1": i1, "I2": i2, "I3": i3, "I4": i4, "I5": i5, "I6": i6, "I7": i7, "L1": l1}


def check(seen: History) -> Mapping[str, list[str]]:
    return {name: sorted(set(rule(seen))) for name, rule in INVARIANTS.items()}
