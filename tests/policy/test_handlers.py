"""exchange.verified -> exchange.authorized, without the bus."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from counterfoil.contracts import exchange_authorized, exchange_verified
from counterfoil.contracts.exchange_authorized import GrantApproved, GrantDenied
from counterfoil.contracts.exchange_verified import Basis, IdentityRejected, IdentityVerified
from counterfoil.contracts.registry import Policy
from counterfoil.wire.envelope import encode
from counterfoil_server.runtime.snapshot import Entry, Snapshot
from counterfoil_server.runtime.stage import Out, Received
from services.policy.handlers import routes
from tests.support.facts import NOW, asked, connector, link, verified, wishing


class Book:
    """A registry that is as fresh as the test says."""

    def __init__(self, *entries: Entry, revision: int = 7, current: bool = True) -> None:
        self.snapshot, self.current = Snapshot.of(revision, entries), current

    def fresh(self) -> bool:
        return self.current


class Tray:
    """What was emitted, and what was buried."""

    def __init__(self) -> None:
        self.outs: list[Out] = []
        self.buried: list[tuple[Received, Exception]] = []

    async def __call__(self, outs: Sequence[Out]) -> "asyncio.Future[Any]":
        self.outs += outs
        return asyncio.get_running_loop().create_future()

    def onward(self) -> None: ...

    def bury(self, received: Received, error: Exception) -> None:
        self.buried.append((received, error))


def received(fact: Any, partition: int = 0) -> Received:
    return Received(exchange_verified.TOPIC, fact, encode(fact), {"signature": b"kid.1.0..sig"}, partition, 0, 0, "verifier")


async def walk(book: Any, *facts: Any) -> Tray:
    (stage,) = routes(book, lambda: NOW)
    tray = Tray()
    await stage.on_batch([received(fact, partition) for partition, fact in enumerate(facts)], tray)
    return tray


def test_the_stage_reads_and_writes_what_the_map_says() -> None:
    (stage,) = routes(Book(), lambda: NOW)  # type: ignore[arg-type]  # a registry needs a database
    assert (stage.group, stage.reads, stage.writes) == ("policy", (exchange_verified.TOPIC,), (exchange_authorized.TOPIC,))


async def test_a_linked_wish_is_approved_with_its_evidence() -> None:
    who = wishing(scopes=["read"])
    tray = await walk(Book(connector(), link()), who)
    fact = tray.outs[0].fact
    assert isinstance(fact, GrantApproved)
    assert (fact.rule, fact.grounds.registry_revision) == ("web/production->postgres/demo", 7)
    assert fact.evidence.value.encode() == encode(who)
    assert fact.evidence.signature == "kid.1.0..sig"
    assert (tray.outs[0].key, tray.outs[0].event_id) == (str(who.asked.request_id), str(fact.id))


async def test_a_rejected_identity_is_passed_in_silence() -> None:
    rejected = IdentityRejected.about(asked(), at=NOW, code="expired", message="", basis=Basis(registry_revision=7))
    tray = await walk(Book(connector(), link()), rejected)
    assert not tray.outs
    assert not tray.buried


async def test_an_operators_policy_can_forbid() -> None:
    policy = Policy(name="main-only", cedar='forbid (principal, action, resource) unless { context.claims.ref == "refs/heads/main" };')
    book = Book(connector(), link(), policy)
    good, bad, absent = await walk(book, wishing()), await walk(book, verified(claims={"ref": "x"})), await walk(book, verified(claims={}))
    assert isinstance(good.outs[0].fact, GrantApproved)
    assert [out.fact.code for out in (*bad.outs, *absent.outs) if isinstance(out.fact, GrantDenied)] == ["forbidden", "policy_error"]


async def test_an_unconfirmed_registry_decides_nothing() -> None:
    tray = await walk(Book(connector(), link(), current=False), wishing())
    assert isinstance(tray.outs[0].fact, GrantDenied)
    assert tray.outs[0].fact.code == "registry_unavailable"


async def test_a_changed_registry_changes_the_answer() -> None:
    book = Book(connector(), link())
    (stage,) = routes(book, lambda: NOW)  # type: ignore[arg-type]
    tray = Tray()
    await stage.on_batch([received(wishing())], tray)
    book.snapshot = Snapshot.of(8, [connector()])
    await stage.on_batch([received(wishing())], tray)
    assert [out.fact.kind for out in tray.outs if isinstance(out.fact, GrantApproved | GrantDenied)] == ["grant.approved", "grant.denied"]


async def test_a_project_hears_where_it_is_linked() -> None:
    tray = await walk(Book(connector(), link()), verified(environment="preview"))
    assert isinstance(tray.outs[0].fact, GrantDenied)
    assert tray.outs[0].fact.nearest == {"environments": ["production"]}


async def test_one_message_that_breaks_disturbs_no_other() -> None:
    broken: IdentityVerified = wishing(colour="red")
    late = verified(deadline=NOW - timedelta(seconds=1))
    tray = await walk(Book(connector(), link()), wishing(), broken, late)
    assert [out.partition for out in tray.outs] == [0, 2]
    assert [one.fact for one, _ in tray.buried] == [broken]
