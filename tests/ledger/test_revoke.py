"""From an order to its end: orders, expiry, reconciling, tries, and what each try means. The provider here only fails on purpose."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from counterfoil.contracts.registry import Connector
from counterfoil.contracts.revocation_requested import Predicate
from counterfoil.wire import binding
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.sealing import Opener, Sealer
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.snapshot import Snapshot
from services.providers import revoke_handlers
from services.providers.ends import Ends
from services.providers.revoke_handlers import Worker
from services.providers.seam import Revocation, Unavailable
from services.providers.settlements import Settlements
from services.providers.wanted import Intent
from services.revoker.orders import Orders
from tests.ledger.conftest import Books, Declared
from tests.support.roots import given

KEY = OpeningKey.generate()


@dataclass
class Faulty(Declared):
    """Ends what it is told to, when it is told to work."""

    failing: list[Exception] = field(default_factory=list)
    ended: list[tuple[dict[str, Any], str | None]] = field(default_factory=list)
    hang: bool = False
    there: bool | None = True
    asked: int = 0

    async def revoke(self, handle: dict[str, Any], config: Any, root: Any, token: Secret | None) -> bool | None:  # noqa: ARG002
        self.asked += 1
        if self.hang:
            await asyncio.sleep(60)
        if self.failing:
            raise self.failing.pop(0)
        self.ended.append((handle, token.text() if token else None))
        return self.there

    def handle(self, credential_id: UUID) -> dict[str, Any] | None:
        return {"role": f"cf_{credential_id.hex}"} if self.revocation is Revocation.BY_NAME else None


@dataclass
class Revoking:
    books: Books
    provider: Faulty
    late: timedelta = timedelta()
    slow: Faulty | None = None
    sent: list[Any] = field(default_factory=list)

    @property
    def worker(self) -> Worker:
        registry: Any = SimpleNamespace(snapshot=Snapshot.of(1, [Connector(name="postgres/demo"), Connector(name="slow/one")]))
        shelf: Any = SimpleNamespace(provider=lambda name: self.slow if name == "slow" else self.provider)
        settlements = Settlements(self.books.revoke)
        return Worker(Ends(shelf, given(), registry, Opener([KEY]), settlements, lambda: datetime.now(UTC) + self.late), settlements)

    async def send(self, outs: Any) -> None:
        self.sent += [one.fact for one in outs]

    async def tries(self, *ids: UUID) -> int:
        await self.books.owner.execute("UPDATE revocation SET next_at = clock_timestamp() WHERE state <> 'confirmed'")
        return await self.worker.work(list(ids), {}, self.send)

    async def lent(self, *, seal_2: bytes | None = None, lifetime: int = 60, **asked: Any) -> UUID:
        (intent,) = await self.books.intend(self.books.wanted(provider=self.provider, lifetime=lifetime, **asked))
        assert isinstance(intent, Intent)
        await self.books.ledger.swap([self.books.finished(intent, seal_2=seal_2)])
        return intent.credential_id

    async def order(self, **predicate: Any) -> UUID:
        order = uuid4()
        await self.books.owner.execute("INSERT INTO revocation_order (id, actor, predicate, cause, at) VALUES ($1, '{}', '{}', 'test', now())", order)
        await Orders(self.books.revoker).obey(order, Predicate(**predicate))
        return order


@pytest.fixture
def revoking(books: Books) -> Revoking:
    return Revoking(books, Faulty())


async def test_an_order_ends_what_it_names_and_nothing_else(revoking: Revoking):
    one, other = await revoking.lent(), await revoking.lent(project="other")
    await revoking.order(project="web")
    assert await revoking.tries(one, other) == 1
    assert await revoking.books.state(one) == "revoked"
    assert await revoking.books.state(other) == "active"
    assert [fact.outcome for fact in revoking.sent] == ["revoked"]


@pytest.mark.parametrize("member", ["connector", "project", "environment", "issuer", "sub_hash"])
async def test_each_member_of_a_predicate_narrows(revoking: Revoking, member: str):
    one = await revoking.lent()
    value = await revoking.books.owner.fetchval(f"SELECT {member} FROM mint")  # noqa: S608 - a name of the test's own
    await revoking.order(**{member: "0" * 64})
    assert await revoking.books.state(one) == "active"
    await revoking.order(**{member: value})
    assert await revoking.books.state(one) == "revoking"


async def test_since_and_until_narrow_by_the_time_of_minting(revoking: Revoking):
    one, now = await revoking.lent(), datetime.now(UTC)
    await revoking.order(project="web", since=now + timedelta(seconds=5))
    await revoking.order(project="web", until=now - timedelta(seconds=5))
    assert await revoking.books.state(one) == "active"
    await revoking.order(project="web", since=now - timedelta(seconds=5), until=now + timedelta(seconds=5))
    assert await revoking.books.state(one) == "revoking"


async def test_an_order_is_obeyed_once(revoking: Revoking):
    order = await revoking.order(project="web")
    late = await revoking.lent()
    assert not await Orders(revoking.books.revoker).obey(order, Predicate(project="web"))
    assert await revoking.books.state(late) == "active"


async def test_a_failed_try_is_tried_again_and_after_ten_it_is_stuck_visible_and_still_tried(revoking: Revoking):
    one = await revoking.lent()
    await revoking.order(credential_id=one)
    revoking.provider.failing = [Unavailable("down", "x") for _ in range(11)]
    for _ in range(9):
        await revoking.tries(one)
    assert await revoking.books.state(one) == "revoking"
    assert revoking.sent == []
    await revoking.tries(one)
    assert await revoking.books.state(one) == "stuck"
    await revoking.tries(one)
    assert [fact.outcome for fact in revoking.sent] == ["stuck"]  # said once
    await revoking.tries(one)
    assert await revoking.books.state(one) == "revoked"
    assert [fact.outcome for fact in revoking.sent] == ["stuck", "revoked"]


@pytest.mark.parametrize(("there", "failing", "outcome"), [(False, [], "already_gone"), (None, [], "revoked"),
                                                           (False, [TimeoutError()], "revoked")])  # fmt: skip
async def test_what_was_gone_already_is_said_so_where_it_cannot_have_been_us(
    revoking: Revoking, there: bool | None, failing: list[Exception], outcome: str
):
    one = await revoking.lent()
    await revoking.order(credential_id=one)
    revoking.provider.there, revoking.provider.failing = there, list(failing)
    for _ in range(2):
        await revoking.tries(one)
    assert await revoking.books.state(one) == "revoked"
    assert [fact.outcome for fact in revoking.sent] == [outcome]


async def test_a_provider_that_hangs_holds_up_no_other_and_is_not_asked_for_ever_more(revoking: Revoking, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(revoke_handlers, "MOST", 40)
    monkeypatch.setattr(revoke_handlers, "PATIENCE", 0.2)
    hanging = [await revoking.lent() for _ in range(50)]
    await revoking.books.owner.execute("UPDATE mint SET connector = 'slow/one'")
    one = await revoking.lent()
    await revoking.order(issuer=await revoking.books.owner.fetchval("SELECT issuer FROM mint LIMIT 1"))
    await revoking.books.owner.execute("UPDATE revocation SET ordered_at = clock_timestamp(), next_at = clock_timestamp() - interval '1 s'")
    await revoking.books.owner.execute("UPDATE revocation SET next_at = clock_timestamp() WHERE credential_id = $1", one)
    revoking.slow = Faulty(name="slow", hang=True)
    worker = revoking.worker

    claimed = [await worker.work(None, {}, revoking.send) for _ in range(3)]

    assert claimed == [40, 1, 0]  # the other ten wait, although they are due
    assert await revoking.books.state(one) == "revoked"
    assert {await revoking.books.state(name) for name in hanging} == {"revoking"}
    assert revoking.slow.asked == revoke_handlers.AT_ONCE
    for task in list(worker._going_on):
        task.cancel()
        await asyncio.wait([task])
    assert worker._claimed["slow/one"] == 0


async def test_what_got_no_room_under_its_lease_is_not_tried(revoking: Revoking, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(revoke_handlers, "TOO_LATE", -1.0)
    one = await revoking.lent()
    await revoking.order(credential_id=one)
    assert await revoking.tries(one) == 1
    assert (revoking.provider.ended, await revoking.books.state(one)) == ([], "revoking")
    monkeypatch.undo()
    await revoking.tries(one)
    assert await revoking.books.state(one) == "revoked"


async def test_the_wait_grows(revoking: Revoking):
    one = await revoking.lent()
    await revoking.order(credential_id=one)
    revoking.provider.failing = [Unavailable("down", "x") for _ in range(4)]
    waits = []
    for _ in range(4):
        await revoking.tries(one)
        waits.append(await revoking.books.owner.fetchval("SELECT extract(epoch FROM next_at - clock_timestamp()) FROM revocation"))
    assert waits == sorted(waits)
    assert await revoking.worker.work([one], {}, revoking.send) == 0  # not due


async def test_an_adapters_own_mistake_is_a_failed_try_and_no_more(revoking: Revoking):
    one = await revoking.lent()
    await revoking.order(credential_id=one)
    revoking.provider.failing = [KeyError("oops")]
    await revoking.tries(one)
    assert await revoking.books.owner.fetchval("SELECT last_error FROM revocation") == "KeyError"
    await revoking.tries(one)
    assert await revoking.books.state(one) == "revoked"


async def test_by_possession_the_second_seal_is_opened_used_and_destroyed(books: Books):
    revoking = Revoking(books, Faulty(revocation=Revocation.BY_POSSESSION, ends_by_itself=True))
    (intent,) = await books.intend(books.wanted(provider=revoking.provider))
    seal = Sealer().seal(Secret("the token"), KEY.public, binding.revocation(intent.credential_id))
    await books.ledger.swap([books.finished(intent, seal_2=seal)])
    await revoking.order(credential_id=intent.credential_id)
    await revoking.tries(intent.credential_id)
    assert revoking.provider.ended[0][1] == "the token"
    assert await books.owner.fetchval("SELECT seal_2 FROM mint") is None


async def test_by_possession_without_the_token_it_is_uncertain_until_it_ends_by_itself(books: Books):
    revoking = Revoking(books, Faulty(revocation=Revocation.BY_POSSESSION, ends_by_itself=True))
    one = await revoking.lent()
    await revoking.order(credential_id=one)
    await revoking.tries(one)
    await revoking.tries(one)
    assert await books.state(one) == "uncertain"
    assert [fact.outcome for fact in revoking.sent] == ["uncertain"]
    revoking.late = timedelta(hours=2)
    await revoking.tries(one)
    assert await books.state(one) == "expired"
    assert [fact.outcome for fact in revoking.sent] == ["uncertain", "expired"]


async def test_what_ends_by_itself_is_let_be_an_hour_after_and_what_does_not_never_is(books: Books):
    for ends, expected in ((True, "expired"), (False, "revoking")):
        revoking = Revoking(books, Faulty(ends_by_itself=ends, failing=[Unavailable("down", "x")] * 9), late=timedelta(hours=2))
        one = await revoking.lent()
        await revoking.order(credential_id=one)
        revoking.provider.ends_by_itself = ends
        await books.owner.execute("UPDATE revocation SET at = clock_timestamp() + interval '2 hours'")
        await revoking.tries(one)
        assert await books.state(one) == expected


async def test_a_try_that_was_cut_off_is_tried_again_when_its_lease_is_over(revoking: Revoking):
    one = await revoking.lent()
    await revoking.order(credential_id=one)
    settlements = Settlements(revoking.books.revoke)
    assert len(await settlements.claim([one], 10)) == 1
    assert await settlements.claim([one], 10) == []  # someone has it
    await revoking.tries(one)
    assert await revoking.books.state(one) == "revoked"


async def test_what_was_settled_and_never_said_is_said_by_the_next_process(revoking: Revoking):
    one = await revoking.lent()
    await revoking.order(credential_id=one)

    async def broken(_: Any) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await revoking.worker.work([one], {}, broken)
    assert await revoking.books.state(one) == "revoked"
    (row,) = await Settlements(revoking.books.revoke).unpublished(timedelta(seconds=0))
    assert str(one).encode() in row["settled"]


async def test_the_end_of_a_lent_time_is_ordered_and_what_ends_by_itself_is_only_written_down(books: Books):
    lends, ends = Revoking(books, Faulty()), Revoking(books, Faulty(ends_by_itself=True))
    one, other, later = await lends.lent(), await ends.lent(), await lends.lent()
    await books.owner.execute("UPDATE mint SET expires_at = clock_timestamp() WHERE credential_id = ANY($1::uuid[])", [one, other])
    assert await Orders(books.revoker).expire() == 1
    assert (await books.state(one), await books.ordered(one)) == ("revoking", "expired")
    assert (await books.state(other), await books.ordered(other)) == ("expired", None)
    assert await books.state(later) == "active"
    await lends.tries(one)
    assert await books.state(one) == "expired"


async def test_an_intent_whose_window_has_closed_is_settled(books: Books):
    (intent,) = await books.intend(books.wanted())
    orders, far = Orders(books.revoker), datetime(2000, 1, 1, tzinfo=UTC)
    assert await orders.reconcile(far, far) == 0
    await books.owner.execute("UPDATE mint SET window_closes_at = now() - interval '5 seconds', deadline = now() - interval '1 second'")
    assert await orders.reconcile(far, far) == 1
    assert (await books.state(intent.credential_id), await books.ordered(intent.credential_id)) == ("revoking", "orphan")


async def test_what_is_active_and_was_never_answered_is_ended_and_what_was_answered_lives(revoking: Revoking):
    books = revoking.books
    lost, answered = await revoking.lent(), await revoking.lent()
    await books.owner.execute("UPDATE mint SET deadline = now() - interval '40 seconds'")
    await books.owner.execute(
        "INSERT INTO reply (request_hash, fact_hash, outcome, idx, proof, deadline, credential_id, box, delivered) "
        "SELECT request_hash, '', 'credential.minted', 0, '', deadline, credential_id, true, now() FROM mint WHERE credential_id = $1", answered,
    )  # fmt: skip
    await Orders(books.revoker).reconcile(datetime(2000, 1, 1, tzinfo=UTC), datetime.now(UTC) - timedelta(seconds=30))
    assert (await books.state(lost), await books.ordered(lost)) == ("revoking", "undelivered")
    assert await books.state(answered) == "active"


async def test_a_fenced_connector_is_revoked_when_nothing_of_it_is_alive(revoking: Revoking):
    books = revoking.books
    one = await revoking.lent()
    await books.owner.execute("UPDATE connector SET state = 'fenced'")
    await revoking.order(connector="postgres/demo")
    orders = Orders(books.revoker)
    await orders.done_fencing()
    assert await books.owner.fetchval("SELECT state FROM connector") == "fenced"
    await revoking.tries(one)
    await orders.done_fencing()
    assert await books.owner.fetchval("SELECT state FROM connector") == "revoked"


async def test_what_nobody_can_end_is_stuck_when_it_shall_end_and_over_with_its_lent_time(books: Books):
    revoking = Revoking(books, Faulty(revocation=Revocation.NONE, ends_by_itself=False))
    one = await revoking.lent()
    await revoking.order(credential_id=one)
    for _ in range(11):
        await revoking.tries(one)
    assert await books.state(one) == "stuck"
    assert [fact.outcome for fact in revoking.sent] == ["stuck"]
    assert await books.owner.fetchval("SELECT last_error FROM revocation") == "rotate_at_provider"
    revoking.late = timedelta(hours=2)
    await revoking.tries(one)
    assert await books.state(one) == "expired"
    assert revoking.provider.ended == []
