"""The checker finds each violation in a history that was made to have it, and none in a good one."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from uuid import UUID

import pytest

from tests.faults.checker import INVARIANTS, check
from tests.faults.history import Ask, Delivery, Ending, History, Leaf, Row, Stop
from tests.faults.truth import Life

ONE, TWO, REQUEST, OTHER = (UUID(int=number) for number in (1, 2, 11, 12))
HASH, LEAF = "a1", b"leaf"


def good() -> History:
    """Lent at 10, used, revoked at 20; the connector is stopped at 30 and said to be revoked at 33."""
    return History(
        now=200,
        asks=[Ask(REQUEST, HASH, "fault/a", 9, 14, acked=True, ended="credential", ended_at=11, deliveries=[Delivery(ONE, 11, LEAF)])],
        stops=[Stop("fault/a", 30, 33, frozenset(), 40)],
        ended=frozenset({ONE}),
        lives=[Life(ONE, "fault/a", 10, None, 20)],
        rows=[Row(ONE, REQUEST, HASH, "fault/a", "revoked", 9.5, 14, 70)],
        endings=[Ending(ONE, "confirmed", 21)],
        leaves=[Leaf(LEAF, 10.5, "credential.minted", HASH, ONE)],
    )


def put(seen: History, **changed: object) -> History:
    for name, value in changed.items():
        setattr(seen, name, value)
    return seen


def of_ask(seen: History, **changed: object) -> History:
    return put(seen, asks=[replace(seen.asks[0], **changed)])  # type: ignore[arg-type]


def deliver(seen: History, one: Delivery) -> History:
    return of_ask(seen, deliveries=[*seen.asks[0].deliveries, one])


def life(seen: History, **changed: object) -> History:
    return put(seen, lives=[replace(seen.lives[0], **changed)])  # type: ignore[arg-type]


def row(seen: History, **changed: object) -> History:
    return put(seen, rows=[replace(seen.rows[0], **changed)])  # type: ignore[arg-type]


def ending(seen: History, **changed: object) -> History:
    return put(seen, endings=[replace(seen.endings[0], **changed)])  # type: ignore[arg-type]


def second(seen: History) -> History:
    """Another attempt of the same request, as alive as the first."""
    life(seen, ended_at=None)
    row(seen, state="stuck")
    ending(seen, state="stuck", next_at=199)
    lives, rows = [*seen.lives, Life(TWO, "fault/b", 12)], [*seen.rows, Row(TWO, REQUEST, HASH, "fault/b", "stuck", 11, 14, 70)]
    return put(seen, lives=lives, rows=rows)


def alone(seen: History, state: str) -> History:
    """Alive, and of no connector that was ever stopped; nobody asked for its end."""
    life(seen, ended_at=None, connector="fault/b")
    row(seen, state=state, connector="fault/b")
    return put(seen, endings=[], ended=frozenset())


def lost(seen: History, revocation: str = "by_possession") -> History:
    """Its answer was lost: nobody has it, and it lives its own time."""
    alone(seen, "uncertain")
    life(seen, dies_at=240)
    row(seen, expires_at=250, revocation=revocation)
    return of_ask(seen, deliveries=[])


def twice(seen: History, revocation: str) -> History:
    """Two attempts of one request are alive, of a class that cannot name them."""
    second(seen)
    return put(seen, stops=[], rows=[replace(one, revocation=revocation) for one in seen.rows])


BAD: dict[str, tuple[str, Callable[[History], object]]] = {
    "delivered without a leaf": ("I1", lambda seen: put(seen, leaves=[replace(seen.leaves[0], hash=b"other")])),
    "delivered before its leaf": ("I1", lambda seen: put(seen, leaves=[replace(seen.leaves[0], at=12)])),
    "delivered under the leaf of another": ("I1", lambda seen: put(seen, leaves=[replace(seen.leaves[0], credential_id=TWO)])),
    "the ledger never knew": ("I2", lambda seen: put(seen, rows=[])),
    "minted before its intent": ("I2", lambda seen: row(seen, sent_at=10.1)),
    "alive and failed": ("I2", lambda seen: alone(seen, "failed")),
    "alive and minting": ("I2", lambda seen: alone(seen, "minting")),
    "alive after its time": ("I2", lambda seen: alone(seen, "active")),
    "dead and active": ("I2", lambda seen: (alone(seen, "active"), life(seen, ended_at=20))),
    "given to nobody": ("I2", lambda seen: (alone(seen, "active"), row(seen, expires_at=900), of_ask(seen, deliveries=[]))),
    "uncertain, and could be ended": ("I2", lambda seen: lost(seen, "by_name")),
    "uncertain, and ended": ("I2", lambda seen: (lost(seen), life(seen, ended_at=150))),
    "uncertain, and surely dead": ("I2", lambda seen: (lost(seen), row(seen, expires_at=190))),
    "uncertain for too short": ("I2", lambda seen: (lost(seen), life(seen, dies_at=260))),
    "two credentials for one id": ("I3", lambda seen: deliver(seen, Delivery(TWO, 12, LEAF))),
    "another's credential": ("I3", lambda seen: row(seen, request_id=OTHER)),
    "two alive for one request": ("I4", second),
    "delivered after the stop": ("I5", lambda seen: put(seen, stops=[replace(seen.stops[0], accepted_at=10.9)])),
    "begun before the stop, delivered after it was lifted": ("I5", lambda seen: put(seen, stops=[Stop("fault/a", 9.6, lifted_at=10.5)])),
    "minted after revoked": ("I5", lambda seen: life(seen, minted_at=35, ended_at=36)),
    "alive when said to be revoked": ("I6", lambda seen: life(seen, ended_at=34)),
    "counts as ended and lives": ("I7", lambda seen: life(seen, ended_at=None)),
    "its end was dropped": ("I7", lambda seen: (row(seen, state="active"), put(seen, endings=[]))),
    "revoking, and confirmed": ("I7", lambda seen: row(seen, state="revoking")),
    "revoking, and no row": ("I7", lambda seen: (row(seen, state="revoking"), put(seen, endings=[]))),
    "nobody tries any more": ("I7", lambda seen: ending(seen, state="pending", next_at=50)),
    "never ended": ("L1", lambda seen: of_ask(seen, ended=None)),
    "ended late": ("L1", lambda seen: of_ask(seen, ended_at=17)),
    "acknowledged and lost": ("L1", lambda seen: of_ask(seen, request_hash="b2")),
}


def test_a_good_history_violates_nothing():
    assert check(good()) == {name: [] for name in INVARIANTS}


@pytest.mark.parametrize("what", BAD)
def test_a_violation_is_found(what: str):
    invariant, spoil = BAD[what]
    seen = deepcopy(good())
    spoil(seen)

    assert check(seen)[invariant] != []


def test_every_invariant_has_a_history_that_violates_it():
    assert {invariant for invariant, _ in BAD.values()} == set(INVARIANTS)


GOOD: dict[str, Callable[[History], object]] = {
    "asked before the stop, begun and delivered after it was lifted": lambda seen: put(seen, stops=[Stop("fault/a", 9.1, 9.2, lifted_at=9.3)]),
    "what is left is listed": lambda seen: (life(seen, ended_at=34), put(seen, stops=[Stop("fault/a", 30, 33, frozenset({ONE}), 40)])),
    "the same credential again": lambda seen: deliver(seen, Delivery(ONE, 12, LEAF)),
    "stuck, and tried again and again": lambda seen: (
        life(seen, ended_at=None, connector="fault/b"), row(seen, state="stuck"), ending(seen, state="stuck", next_at=199),
    ),
    "not acknowledged, and unknown": lambda seen: (of_ask(seen, acked=False), of_ask(seen, request_hash="b2")),
    "uncertain until it ends by itself": lost,
    "uncertain, and never was": lambda seen: (lost(seen), put(seen, lives=[])),
    "two alive that have no names": lambda seen: twice(seen, "by_possession"),
    "cut with others of its principal": lambda seen: (alone(seen, "active"), life(seen, ended_at=20), row(seen, revocation="by_principal")),
    "ended by itself": lambda seen: (life(seen, ended_at=None, dies_at=25), row(seen, state="expired")),
}  # fmt: skip


@pytest.mark.parametrize("what", GOOD)
def test_what_may_be_is_no_violation(what: str):
    seen = deepcopy(good())
    GOOD[what](seen)

    assert check(seen) == {name: [] for name in INVARIANTS}
