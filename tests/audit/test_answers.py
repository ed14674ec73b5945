"""Which fact answers, what it says, and that a repeat says the same."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from counterfoil.contracts.base import ExchangeFact
from counterfoil.contracts.exchange_replied import ExchangeReplied
from counterfoil.wire.merkle import leaf_hash
from counterfoil.wire.receipt import ReceiptChecker
from tests.audit.facts import NOW, approved, asked, denied, minted, received, refused, rejected, verified
from tests.audit.house import House, problem

Says = Callable[..., ExchangeFact]
LATER = NOW + timedelta(seconds=1)


async def test_a_credential_comes_with_its_leaf_its_proof_and_mints_own_box(house: House):
    fact = await house.ledger(minted(house.asked()))

    (answer,) = house.opened(await house.run(fact))

    assert answer.box == fact.box
    assert answer.problem is None
    assert leaf_hash((answer.leaf or "").encode()).hex() == answer.leaf_hash
    assert await house.doomed(fact) is None
    assert await house.owner.fetchval("SELECT delivered IS NOT NULL FROM reply WHERE credential_id = $1", fact.credential_id)


@pytest.mark.parametrize(("says", "stage", "code"), [(rejected, "verify", "expired"), (denied, "authorize", "forbidden"),
                                                     (refused, "mint", "provider_refused")])  # fmt: skip
async def test_every_no_is_answered_with_its_leaf_and_what_to_do(house: House, says: Says, stage: str, code: str):
    about = house.asked(partition=3)

    (out, recorded) = await house.run(received(says(about), headers={"traceparent": b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"}))

    (answer,) = house.opened([out])
    assert (out.partition, out.key, recorded.topic.name) == (3, about.request_hash, "audit.recorded")
    assert (problem(answer)["stage"], problem(answer)["code"]) == (stage, code)
    assert (problem(answer)["trace_id"], problem(answer)["request_id"]) == ("a" * 32, str(about.request_id))
    assert answer.leaf
    assert answer.box is None


async def test_identities_and_approvals_are_answered_by_nobody_yet(house: House):
    assert house.opened(await house.run(verified(house.asked()), approved(house.asked()))) == []


async def test_a_reply_shows_nothing_in_clear_but_where_it_goes(house: House):
    (out, _) = await house.run(denied(about := house.asked()))

    assert set(out.fact.model_dump()) == {"request_hash", "reply_to", "box"}
    assert (out.event_id, out.headers) == (about.request_hash, ())


@pytest.mark.parametrize("says", [rejected, denied, refused])
async def test_past_the_deadline_nothing_is_said_and_everything_recorded(house: House, says: Says):
    fact = says(house.asked(deadline=NOW))

    assert [out.topic.name for out in await house.run(fact)] == ["audit.recorded"]

    assert (await house.leaves())[-1]["fact"]["id"] == str(fact.id)


async def test_a_credential_whose_deadline_has_passed_is_never_delivered(house: House):
    fact = await house.ledger(minted(house.asked(deadline=NOW)))

    assert house.opened(await house.run(fact)) == []

    assert await house.doomed(fact) == "undelivered"


async def test_a_deadline_that_passes_after_the_leaf_still_counts(house: House):
    fact = await house.ledger(minted(house.asked()))

    async def slow(_: object) -> None:
        house.now = NOW + timedelta(seconds=11)

    house.hook = slow  # the batch's other answer goes out first, and takes ten seconds

    assert len(house.opened(await house.run(rejected(house.asked()), fact))) == 1

    assert await house.doomed(fact) == "undelivered"


async def test_a_partition_that_does_not_exist_stops_nothing_else(house: House):
    lost = await house.ledger(minted(house.asked(partition=4)))

    (answer,) = house.opened(await house.run(rejected(house.asked(partition=4)), lost, denied(house.asked(partition=3))))

    assert problem(answer)["code"] == "forbidden"
    assert await house.doomed(lost) == "undelivered"
    assert len(await house.leaves()) >= 3


async def test_a_key_that_cannot_be_sealed_to_stops_nothing_else(house: House):
    (answer,) = house.opened(await house.run(rejected(asked("A" * 43)), denied(house.asked())))

    assert problem(answer)["code"] == "forbidden"


async def test_who_may_not_know_reads_no_leaf_and_a_reason_that_is_always_the_same(house: House):
    hidden = [denied(house.asked(), entitled=False), denied(house.asked(), entitled=False, code="no_link", rule=None),
              denied(house.asked(connector="no/such"), entitled=False, code="beyond_ceiling", beyond={"x" * 9000}),
              refused(house.asked(), code="unknown_connector")]  # fmt: skip

    answers = house.opened(await house.run(*hidden))

    assert {answer.leaf for answer in answers} == {None}
    assert len({tuple(sorted(item for item in problem(answer).items() if item[0] != "request_id")) for answer in answers}) == 1
    receipts = ReceiptChecker([house.log_keys[0].vkey])
    for answer in answers:
        receipts.included(bytes.fromhex(answer.leaf_hash), answer.proof)


async def test_an_answer_is_as_long_for_those_who_may_not_know_as_for_those_who_may(house: House):
    open_and_hidden = [denied(house.asked()), denied(house.asked(), entitled=False), denied(house.asked(), entitled=False, code="no_link", rule=None),
                       denied(house.asked(), entitled=False, beyond={"x" * 9000}), refused(house.asked(), code="unknown_connector")]  # fmt: skip

    sent = await house.run(*open_and_hidden)

    assert len({len(out.fact.box) for out in sent if isinstance(out.fact, ExchangeReplied)}) == 1
