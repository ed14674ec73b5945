"""The revocation key is gone: what only its second seal could end is stuck and seen, until it is surely dead or the key is back."""

from datetime import timedelta

import pytest

from counterfoil.wire import binding
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from services.providers.wanted import Intent
from tests.ledger import test_revoke
from tests.ledger.conftest import Books
from tests.ledger.test_possession import OUTLIVES
from tests.ledger.test_revoke import Faulty, Revoking


@pytest.fixture
def revoking(books: Books) -> Revoking:
    return Revoking(books, Faulty(**OUTLIVES))  # type: ignore[arg-type]


async def lent(revoking: Revoking, key: OpeningKey) -> Intent:
    """Sealed to a key that `revoke` had once."""
    (intent,) = await revoking.books.intend(revoking.books.wanted(provider=revoking.provider))
    assert isinstance(intent, Intent)
    seal = Sealer().seal(Secret("the token"), key.public, binding.revocation(intent.credential_id))
    await revoking.books.ledger.swap([revoking.books.finished(intent, seal_2=seal)])
    await revoking.order(credential_id=intent.credential_id)
    return intent


async def test_what_cannot_be_opened_is_stuck_until_it_is_surely_dead(revoking: Revoking):
    intent = await lent(revoking, OpeningKey.generate())
    for _ in range(10):
        await revoking.tries(intent.credential_id)
    assert await revoking.books.state(intent.credential_id) == "stuck"
    assert str(await revoking.books.owner.fetchval("SELECT last_error FROM revocation")).startswith("seal_")

    revoking.late = timedelta(minutes=59)
    await revoking.tries(intent.credential_id)
    assert await revoking.books.state(intent.credential_id) == "stuck"

    revoking.late = timedelta(minutes=61)  # an hour is the longest that this provider keeps anything alive
    await revoking.tries(intent.credential_id)
    assert await revoking.books.state(intent.credential_id) == "expired"
    assert [fact.outcome for fact in revoking.sent] == ["stuck", "expired"]
    assert revoking.provider.ended == []


async def test_once_the_key_is_back_it_is_ended(revoking: Revoking, monkeypatch: pytest.MonkeyPatch):
    intent = await lent(revoking, test_revoke.KEY)
    with monkeypatch.context() as gone:
        gone.setattr(test_revoke, "KEY", OpeningKey.generate())
        await revoking.tries(intent.credential_id)
    assert await revoking.books.state(intent.credential_id) == "revoking"

    await revoking.tries(intent.credential_id)
    assert revoking.provider.ended[0][1] == "the token"
