"""The client's bus on a real Kafka."""

import asyncio
from uuid import UUID

import pytest

from counterfoil import CounterfoilError, Denied, Refused, Unavailable
from counterfoil.contracts.exchange_requested import TOKEN_HEADER
from counterfoil.wire import binding
from counterfoil.wire.canonical import digest
from counterfoil.wire.envelope import TRACEPARENT
from counterfoil.wire.kafka import Connection
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.sealing import Opener
from tests.client.answers import DSN, PARTS, Town, minted
from tests.client.square import Came, Square, square_of_the_test

__all__ = ["square_of_the_test"]


async def test_a_credential_comes_back_opened_and_proven(square: Square):
    square.answers = [square.lend]
    async with square.client() as cf:
        credential = await cf.exchange("postgres/demo", scopes=["read"], lifetime="5m")

    assert credential.reveal() == DSN
    assert credential.parts() == PARTS
    assert credential.scopes == {"read"}
    assert credential.connector == "postgres/demo"
    assert credential.receipt.index == 2
    assert credential.receipt.log_key == "fetched"
    assert square.came[0].fact.wish == {"connector": "postgres/demo", "scopes": ["read"], "lifetime": 300}
    assert square.came[0].fact.request_id == credential.request_id


async def test_the_trace_starts_in_the_client(square: Square):
    square.answers = [square.lend]
    async with square.client(sampled=True) as cf:
        await cf.exchange("postgres/demo")

    version, trace, span, flags = square.came[0].headers[TRACEPARENT].decode().split("-")
    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "01")


async def test_a_denial_says_why_and_comes_with_its_receipt(square: Square):
    square.answers = [square.deny]
    async with square.client() as cf:
        with pytest.raises(Denied) as raised:
            await cf.exchange("postgres/demo")

    error = raised.value
    assert (error.code, error.message, error.retryable) == ("no_link", "no link", False)
    assert error.extra["nearest"] == {"environment": "x"}
    assert error.receipt is not None
    assert error.receipt.index == 2
    assert error.request_id == str(square.came[0].fact.request_id)
    assert error.trace_id == square.came[0].headers[TRACEPARENT].decode().split("-")[1]


async def test_many_at_once_each_get_their_own(square: Square):
    square.answers = [square.lend]
    async with square.client() as cf:
        credentials = await asyncio.gather(*(cf.exchange("postgres/demo") for _ in range(50)))

    assert len({credential.credential_id for credential in credentials}) == 50
    assert {credential.request_id for credential in credentials} == {came.fact.request_id for came in square.came}


async def test_a_reply_that_does_not_check_is_ignored_and_the_right_one_still_counts(square: Square):
    def first_wrong(came: Came) -> list[str]:
        box = square.town.box(digest(came.value), came.fact.requester_key)
        foreign = square.town.append(minted(came.about | {"request_hash": "9" * 64}, box))
        return ["AAAA", square.seal(came, foreign, box=box), *square.lend(came)]

    square.answers = [first_wrong]
    async with square.client() as cf:
        assert (await cf.exchange("postgres/demo")).reveal() == DSN

    assert len(square.came) == 1


async def test_a_record_that_is_no_reply_is_ignored_too(square: Square):
    square.answers = [lambda came: [b"no json", b"", *square.lend(came)]]
    async with square.client() as cf:
        assert (await cf.exchange("postgres/demo")).reveal() == DSN

    assert len(square.came) == 1


async def test_a_wrong_answer_alone_is_no_answer(square: Square):
    def foreign(came: Came) -> list[str]:
        box = square.town.box(digest(came.value), came.fact.requester_key)
        return [square.seal(came, square.town.append(minted(came.about | {"request_id": str(UUID(int=1))}, box)), box=box)]

    square.answers = [foreign]
    async with square.client(timeout=2) as cf:
        with pytest.raises(Unavailable, match="late") as raised:
            await cf.exchange("postgres/demo")

    assert not raised.value.answered


async def test_after_an_answer_a_retry_takes_a_new_id(square: Square):
    square.answers = [square.refuse("stale_decision"), square.lend]
    async with square.client() as cf:
        credential = await cf.exchange("postgres/demo")

    first, second = (came.fact.request_id for came in square.came)
    assert first != second == credential.request_id


async def test_what_cannot_help_is_not_tried_again(square: Square):
    square.answers = [square.refuse("provider_refused")]
    async with square.client() as cf:
        with pytest.raises(Refused, match="provider_refused"):
            await cf.exchange("postgres/demo")

    assert len(square.came) == 1


async def test_three_tries_are_enough(square: Square):
    square.answers = [square.refuse("audit_unavailable")]
    async with square.client() as cf:
        with pytest.raises(Unavailable, match="audit_unavailable"):
            await cf.exchange("postgres/demo")

    assert len(square.came) == 3


async def test_where_the_line_broke_the_same_bytes_are_sent_again_over_a_new_one(square: Square):
    async with square.client() as cf:

        def broken(_: Came) -> list[str]:
            cf._opened._ways._bus._line._route = None  # type: ignore[union-attr, method-assign]
            return ["AAAA"]  # over which the reader falls now

        square.answers = [broken, square.lend]
        assert (await cf.exchange("postgres/demo")).reveal() == DSN

    first, second = square.came
    assert first.value == second.value


async def test_a_client_that_is_closed_leaves_nobody_waiting(square: Square):
    asked = asyncio.Event()

    def silent(_: Came) -> list[str]:
        asked.set()
        return []

    square.answers = [silent]
    async with square.client() as cf:
        waiting = asyncio.create_task(cf.exchange("postgres/demo"))
        await asked.wait()
    with pytest.raises(CounterfoilError, match="the client was closed"):
        await waiting


async def test_an_unknown_key_makes_the_client_ask_the_gateway_anew(square: Square):
    old, new = square.town.well_known(topics_prefix=square.connection.prefix), OpeningKey.generate()
    square.town.verifier = new
    square.known = [old, square.town.well_known(topics_prefix=square.connection.prefix)]
    square.answers = [square.refuse("unknown_key", "identity.rejected"), square.lend]
    async with square.client() as cf:
        assert (await cf.exchange("postgres/demo")).reveal() == DSN

    again = square.came[1]
    assert Opener([new]).open(again.headers[TOKEN_HEADER], binding.token(digest(again.value))).text() == "an.id.token"


async def test_a_log_key_that_was_rotated_is_fetched_again(square: Square):
    stale = Town().well_known(topics_prefix=square.connection.prefix) | {"verifier_key": square.town.well_known()["verifier_key"]}
    square.known = [stale, square.town.well_known(topics_prefix=square.connection.prefix)]
    square.answers = [square.lend]
    async with square.client() as cf:
        assert (await cf.exchange("postgres/demo")).reveal() == DSN


async def test_a_log_key_that_was_given_stays(square: Square):
    square.answers = [square.lend]
    async with square.client(log_key=Town().log_key.vkey, timeout=2) as cf:
        with pytest.raises(Unavailable, match="late"):
            await cf.exchange("postgres/demo")


async def test_a_partition_that_is_not_there_is_named(square: Square):
    square.answers = [square.lend]
    async with square.client(reply_partition=77) as cf:
        with pytest.raises(CounterfoilError, match="no partition 77"):
            await cf.exchange("postgres/demo")


async def test_a_kafka_that_is_not_there_is_said_in_time():
    square = Square(Connection("127.0.0.1:1"))
    async with square.client(timeout=2) as cf:
        with pytest.raises(Unavailable) as raised:
            await cf.exchange("postgres/demo")

    assert raised.value.code in {"kafka_unavailable", "late"}
