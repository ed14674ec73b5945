"""Credentials that only they themselves can end, and that may outlive what was lent: what the ledger keeps for that, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.contracts.exchange_minted import MintRefused
from counterfoil.wire import binding
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from services.providers.calls import Means, No, mint
from services.providers.ledger import Failed
from services.providers.seam import Handle, Idempotency, Irrevocable, Minted, Order, ProviderError, Revocation, Root, Unavailable, answer
from services.providers.settlements import Settlements
from services.providers.wanted import Intent
from tests.ledger.conftest import Books
from tests.ledger.test_revoke import KEY, Faulty, Revoking
from tests.support.roots import given

OUTLIVES = {"revocation": Revocation.BY_POSSESSION, "idempotency": Idempotency.NONE, "ends_by_itself": False}


@pytest.fixture
def revoking(books: Books) -> Revoking:
    return Revoking(books, Faulty(**OUTLIVES))  # type: ignore[arg-type]


async def begun(revoking: Revoking) -> Intent:
    (intent,) = await revoking.books.intend(revoking.books.wanted(provider=revoking.provider))
    assert isinstance(intent, Intent)
    return intent


def sealed(intent: Intent) -> bytes:
    return Sealer().seal(Secret("the token"), KEY.public, binding.revocation(intent.credential_id))


async def failed(revoking: Revoking, intent: Intent, *, in_hand: bool) -> None:
    said: MintRefused = None  # type: ignore[assignment]  # what is published, which the ledger hands through
    known: Handle = {"until": None}
    held = (known, sealed(intent)) if in_hand else (None, None)
    await revoking.books.ledger.fail([Failed(intent, said, b"fact", True, *held)])


async def lent(revoking: Revoking) -> Intent:
    intent = await begun(revoking)
    await revoking.books.ledger.swap([revoking.books.finished(intent, seal_2=sealed(intent))])
    await revoking.order(credential_id=intent.credential_id)
    return intent


async def test_the_second_seal_of_what_outlives_its_time_is_kept_until_it_has_ended_it(revoking: Revoking):
    intent = await lent(revoking)
    revoking.provider.failing = [Unavailable("down", "x")]
    await revoking.tries(intent.credential_id)
    await revoking.books.owner.execute("UPDATE mint SET expires_at = clock_timestamp() - interval '1 day'")

    await Settlements(revoking.books.revoke).forget_seals()
    await revoking.tries(intent.credential_id)

    assert revoking.provider.ended[0][1] == "the token"
    assert await revoking.books.owner.fetchval("SELECT seal_2 FROM mint") is None


async def test_the_second_seal_of_what_ends_by_itself_goes_after_that(revoking: Revoking):
    revoking.provider.ends_by_itself = True
    await lent(revoking)
    await revoking.books.owner.execute("UPDATE mint SET expires_at = clock_timestamp() - interval '1 day'")

    await Settlements(revoking.books.revoke).forget_seals()

    assert await revoking.books.owner.fetchval("SELECT seal_2 FROM mint") is None


async def test_a_lost_answer_is_uncertain_for_as_long_as_the_provider_may_keep_what_it_made_at_the_last_moment(revoking: Revoking):
    intent = await begun(revoking)
    await failed(revoking, intent, in_hand=False)
    await revoking.tries(intent.credential_id)
    assert await revoking.books.state(intent.credential_id) == "uncertain"
    assert await revoking.books.owner.fetchval("SELECT expires_at FROM mint") == intent.sent_at + timedelta(hours=1, seconds=30)

    revoking.late = timedelta(minutes=59)
    await revoking.tries(intent.credential_id)
    assert await revoking.books.state(intent.credential_id) == "uncertain"
    revoking.late = timedelta(minutes=61)
    await revoking.tries(intent.credential_id)
    assert await revoking.books.state(intent.credential_id) == "expired"
    assert [fact.outcome for fact in revoking.sent] == ["uncertain", "expired"]


async def test_what_is_in_hand_and_not_handed_over_ends_at_once_and_what_was_lost_when_its_window_has_closed(revoking: Revoking):
    held, lost = await begun(revoking), await begun(revoking)
    await failed(revoking, held, in_hand=True)
    await failed(revoking, lost, in_hand=False)

    due = "SELECT credential_id FROM revocation WHERE next_at <= clock_timestamp()"
    assert [row["credential_id"] for row in await revoking.books.owner.fetch(due)] == [held.credential_id]
    await revoking.tries(held.credential_id)
    assert revoking.provider.ended[0][1] == "the token"


async def test_what_nobody_can_end_is_uncertain_until_its_own_time_is_up(revoking: Revoking):
    until = datetime.now(UTC) + timedelta(minutes=30)
    intent = await lent(revoking)
    revoking.provider.failing = [Irrevocable("unsupported_token_type", "x", until)]
    await revoking.tries(intent.credential_id)
    row = await revoking.books.owner.fetchrow("SELECT m.state, expires_at, last_error FROM mint m JOIN revocation USING (credential_id)")
    assert tuple(row) == ("uncertain", until, "unsupported_token_type")

    await revoking.tries(intent.credential_id)  # its own time is up, and the adapter knows it
    assert await revoking.books.state(intent.credential_id) == "expired"
    assert [fact.outcome for fact in revoking.sent] == ["uncertain", "expired"]


async def test_what_nobody_can_end_and_nobody_knows_the_end_of_is_tried_again_and_seen(revoking: Revoking):
    intent = await lent(revoking)
    revoking.provider.failing = [Irrevocable("unsupported_token_type", "x", None)] * 10
    for _ in range(10):
        await revoking.tries(intent.credential_id)

    assert await revoking.books.state(intent.credential_id) == "stuck"


@pytest.mark.parametrize(("asked", "waits"), [(timedelta(seconds=50), 50), (timedelta(days=9), 900), (None, 1)])
async def test_a_provider_that_asks_to_be_left_alone_is_and_not_for_ever(revoking: Revoking, asked: timedelta | None, waits: int):
    intent = await lent(revoking)
    revoking.provider.failing = [Unavailable("busy", "x", asked)]
    await revoking.tries(intent.credential_id)

    left = await revoking.books.owner.fetchval("SELECT extract(epoch FROM next_at - clock_timestamp()) FROM revocation")
    assert waits - 5 < left <= waits


class Gives(Faulty):
    def __init__(self, said: Minted | ProviderError) -> None:
        super().__init__(**OUTLIVES)  # type: ignore[arg-type]
        self.said = said

    async def mint(self, order: Order, root: Root) -> Minted:  # noqa: ARG002
        if isinstance(self.said, ProviderError):
            raise self.said
        return self.said


async def called(books: Books, said: Minted | ProviderError) -> Minted | No:
    (intent,) = await books.intend(books.wanted(provider=Gives(said)))
    return await mint(intent, Means(given(), None), datetime.now(UTC))  # type: ignore[arg-type]


async def test_what_is_amiss_is_refused_and_stays_in_hand_for_its_end(books: Books):
    minted = Minted(answer("t0ken", "Bearer"), "Bearer", {"until": None}, frozenset({"read"}), (), datetime.now(UTC), amiss="it is odd")

    assert await called(books, minted) == No("provider_refused", "it is odd: revoked", True, minted)


async def test_how_long_a_provider_wants_to_be_left_alone_is_told_to_the_caller(books: Books):
    said = await called(books, Unavailable("busy", "later", timedelta(seconds=6.2)))

    assert said == No("provider_unavailable", "busy: later", retry_after=7)
