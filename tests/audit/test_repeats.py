"""A request that is handled again: the answer that it got first stands, and no second credential lives."""

from collections.abc import Callable
from datetime import timedelta

from counterfoil.contracts import exchange_minted
from counterfoil.contracts.base import ExchangeFact
from counterfoil.wire.envelope import encode
from tests.audit.facts import NOW, denied, minted, received, rejected, verified
from tests.audit.house import House, problem

Says = Callable[..., ExchangeFact]
LATER = NOW + timedelta(seconds=1)


async def test_a_redelivered_fact_is_answered_with_the_same_bytes(house: House):
    fact, no = await house.ledger(minted(house.asked())), rejected(house.asked())
    first = house.opened(await house.run(fact, no))
    await house.run(verified(house.asked()))
    await house.restart()

    again = house.opened(await house.run(fact, no))

    assert sorted(again, key=lambda one: one.leaf_hash) == sorted(first, key=lambda one: one.leaf_hash)


async def test_a_repeat_changes_nothing_of_when_its_answer_was_delivered(house: House):
    fact = rejected(house.asked())
    question = "SELECT delivered FROM reply WHERE request_hash = $1"
    await house.run(fact)
    first = await house.owner.fetchval(question, fact.asked.request_hash)

    await house.run(fact)

    assert await house.owner.fetchval(question, fact.asked.request_hash) == first


async def test_mints_box_is_given_again_only_from_the_exact_fact(house: House):
    fact = await house.ledger(minted(house.asked()))
    await house.run(fact)
    other = encode(fact.model_copy(update={"box": "b3RoZXI"}))
    await house.owner.execute("UPDATE mint SET fact = $1 WHERE credential_id = $2", other, fact.credential_id)

    assert house.opened(await house.run(fact)) == []


async def test_a_fact_that_comes_twice_in_one_batch_is_answered_once(house: House):
    fact = await house.ledger(minted(house.asked()))

    assert len(house.opened(await house.run(fact, fact))) == 1


async def test_a_request_that_is_decided_again_later_gets_the_first_answer_again(house: House):
    about = house.asked()
    (first,) = house.opened(await house.run(denied(about)))

    (again,) = house.opened(await house.run(denied(about, at=LATER, code="no_link")))

    assert again == first


async def test_a_yes_is_said_again_where_its_request_is_refused_later(house: House):
    fact = await house.ledger(minted(house.asked()))
    (first,) = house.opened(await house.run(fact))

    (again,) = house.opened(await house.run(rejected(fact.asked)))

    assert again == first
    assert again.box == fact.box


async def test_an_identity_decided_anew_does_not_answer_before_its_exchange_has_ended(house: House):
    about = house.asked()
    await house.run(verified(about))

    assert house.opened(await house.run(rejected(about))) == []

    assert house.opened(await house.run(await house.ledger(minted(about))))[0].box


async def test_what_is_minted_after_a_no_is_never_delivered(house: House):
    about = house.asked()
    (first,) = house.opened(await house.run(rejected(about)))
    fact = await house.ledger(minted(about))

    (again,) = house.opened(await house.run(fact))

    assert again == first
    assert await house.doomed(fact) == "undelivered"


async def test_a_second_credential_for_one_request_is_never_delivered(house: House):
    fact = await house.ledger(minted(house.asked()))
    second = minted(fact.asked, 2)
    await house.run(fact)

    (again,) = house.opened(await house.run(second))

    assert again.box == fact.box
    assert (await house.doomed(fact), await house.doomed(second)) == (None, "undelivered")


async def test_the_first_of_two_that_come_in_one_batch_wins(house: House):
    about = house.asked()
    fact = await house.ledger(minted(about))

    (answer,) = house.opened(await house.run(rejected(about), fact))

    assert problem(answer)["code"] == "expired"
    assert await house.doomed(fact) == "undelivered"


async def test_a_credential_delivered_in_time_lives_on_when_its_fact_comes_again_too_late(house: House):
    fact = await house.ledger(minted(house.asked()))
    await house.run(fact)
    house.now = NOW + timedelta(seconds=11)

    assert house.opened(await house.run(fact)) == []

    assert await house.doomed(fact) is None


async def test_a_credential_in_other_bytes_with_a_known_id_is_not_acted_on(house: House):
    fact = await house.ledger(minted(house.asked()))
    (first,) = house.opened(await house.run(fact))

    (again,) = house.opened(await house.run(received(minted(fact.asked, box="b3RoZXI"), topic=exchange_minted.TOPIC)))

    assert again == first
    assert await house.doomed(fact) is None


async def test_the_answer_goes_where_the_first_fact_said(house: House):
    fact = denied(house.asked(partition=1))
    await house.run(fact)
    moved = fact.asked.model_copy(update={"reply_to": fact.asked.reply_to.model_copy(update={"partition": 2})})

    (out, _) = await house.run(denied(moved))

    assert out.partition == 1
