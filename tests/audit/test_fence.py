"""The last look before a credential is handed over, and the lock under which it stays true."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from counterfoil_server.runtime.stage import Out
from counterfoil_server.runtime.store import locks
from tests.audit.facts import minted, rejected
from tests.audit.house import House, not_handed_over, problem

WAIT = 0.2


async def test_a_fenced_connector_hands_nothing_over(house: House):
    fact = await house.ledger(minted(house.asked()))
    await house.owner.execute("UPDATE connector SET state = 'fenced'")

    await not_handed_over(house, fact)


async def test_a_connector_that_was_fenced_and_opened_again_hands_nothing_over_from_before(house: House):
    fact = await house.ledger(minted(house.asked()))
    await house.owner.execute("UPDATE connector SET epoch = 2")

    await not_handed_over(house, fact)


async def test_a_connector_that_is_not_there_hands_nothing_over(house: House):
    fact = minted(house.asked(connector="postgres/gone"))

    await not_handed_over(house, fact)


@pytest.mark.parametrize("state", ["minting", "revoking", "revoked", "failed", "stuck", "uncertain", "expired"])
async def test_a_credential_that_the_ledger_does_not_call_active_is_not_handed_over(house: House, state: str):
    await not_handed_over(house, await house.ledger(minted(house.asked()), state))


async def test_a_credential_that_the_ledger_does_not_know_is_not_handed_over(house: House):
    await house.ledger(minted(house.asked()))

    await not_handed_over(house, minted(house.asked()))


async def test_what_is_fenced_holds_up_no_other_connector(house: House):
    good = await house.ledger(minted(house.asked()))
    bad = await house.ledger(minted(house.asked(connector="postgres/fenced")))
    await house.owner.execute("UPDATE connector SET state = 'fenced' WHERE name = 'postgres/fenced'")

    answers = house.opened(await house.run(good, bad))

    assert [answer.box for answer in answers] == [good.box, None]
    assert (await house.doomed(good), await house.doomed(bad)) == (None, "undelivered")


async def test_a_credential_once_revoked_stays_so_when_its_fact_comes_again(house: House):
    fact = await house.ledger(minted(house.asked()))
    await house.owner.execute("UPDATE connector SET state = 'fenced'")
    first = house.opened(await house.run(fact))
    await house.owner.execute("UPDATE connector SET state = 'active'")

    assert house.opened(await house.run(fact)) == first


async def test_a_repeat_is_not_handed_over_once_it_was_fenced(house: House):
    fact = await house.ledger(minted(house.asked()))
    assert house.opened(await house.run(fact))[0].box
    await house.owner.execute("UPDATE mint SET state = 'revoked' WHERE credential_id = $1", fact.credential_id)

    await not_handed_over(house, fact)


async def test_a_fence_that_came_first_is_seen(house: House):
    """The lock is waited for, and what it guards is read after it: in one statement with it, the answer would be the old one."""
    fact = await house.ledger(minted(house.asked()))
    connector_id = await house.owner.fetchval("SELECT id FROM connector WHERE name = $1", fact.connector)
    async with house.owner.transaction():
        await locks.exclude(house.owner, connector_id)
        running = asyncio.create_task(house.run(fact))
        await asyncio.sleep(WAIT)
        waits = not running.done()
        await house.owner.execute("UPDATE connector SET state = 'fenced'")

    (answer,) = house.opened(await running)

    assert waits
    assert problem(answer)["code"] == "revoked"


async def test_a_no_is_answered_while_somebody_fences(house: House):
    async with house.owner.transaction():
        await locks.exclude(house.owner, locks.BLOCKS)

        assert len(house.opened(await house.run(rejected(house.asked())))) == 1


async def test_a_broker_that_does_not_answer_leaves_the_reply_undelivered(house: House):
    fact = await house.ledger(minted(house.asked(), expires_at=house.now + timedelta(minutes=1)))

    async def away(_: Sequence[Out]) -> None:
        raise ConnectionError

    async def delivered() -> bool:
        return bool(await house.owner.fetchval("SELECT delivered IS NOT NULL FROM reply WHERE credential_id = $1", fact.credential_id))

    house.hook = away
    with pytest.raises(ConnectionError):
        await house.run(fact)
    before, house.hook = await delivered(), None
    await house.run(fact)

    assert (before, await delivered()) == (False, True)
