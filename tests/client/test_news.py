"""News of revocations on a real Kafka: what is revoked is dropped, and a silence is no good news."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from counterfoil import Client
from counterfoil.contracts import revocation_settled
from counterfoil.contracts.revocation_settled import CredentialRevoked
from counterfoil.wire import kafka_topics
from counterfoil.wire.envelope import encode
from counterfoil.wire.kafka import Publisher, Record
from tests.client.square import Square, square_of_the_test
from tests.support.waiting import until

__all__ = ["square_of_the_test"]


async def tell(square: Square, *values: bytes) -> None:
    publisher, topic = Publisher(square.connection), square.connection.topic(revocation_settled.TOPIC)
    await publisher.start()
    try:
        await publisher.acked(await publisher.send([Record(topic, b"key", value, []) for value in values]))
    finally:
        await publisher.stop()


def revoked(credential_id: UUID) -> bytes:
    return encode(CredentialRevoked(id=UUID(int=1), at=datetime.now(UTC), credential_id=credential_id, revocation_id=UUID(int=2)))


async def another(cf: Client, than: UUID) -> UUID:
    """Ask until another one is given out."""

    async def is_another() -> bool:
        return (await cf.get_token("postgres/demo")).credential_id != than

    await until(is_another)
    return (await cf.get_token("postgres/demo")).credential_id


@pytest.fixture(name="heard")
async def square_with_news(square: Square) -> Square:
    await kafka_topics.create(square.connection, [revocation_settled.TOPIC], 4)
    square.answers = [square.lend]
    return square


async def test_what_was_revoked_is_dropped_and_the_rest_is_kept(heard: Square):
    async with heard.client(timeout=60) as cf:  # so that a slow machine hears before it keeps
        first, other = await cf.get_token("postgres/demo"), await cf.get_token("postgres/demo", lifetime=60)
        await tell(heard, b"no json", revoked(UUID(int=77)), revoked(first.credential_id))

        assert await another(cf, first.credential_id) != first.credential_id
        assert (await cf.get_token("postgres/demo", lifetime=60)).credential_id == other.credential_id

    assert len({came.value for came in heard.came}) == 3  # a young topic may make the client send the same bytes twice


async def test_without_the_right_to_hear_it_lends_all_the_same_and_asks_anew_once_it_hears(square: Square):
    square.answers = [square.lend]
    async with square.client(timeout=20) as cf:
        first = await cf.get_token("postgres/demo")
        assert await cf.get_token("postgres/demo") is first
        await kafka_topics.create(square.connection, [revocation_settled.TOPIC], 4)
        second = await another(cf, first.credential_id)
        await tell(square, revoked(second))

        assert await another(cf, second) not in (first.credential_id, second)


async def test_who_keeps_nothing_hears_nothing(heard: Square):
    async with heard.client() as cf:
        await cf.exchange("postgres/demo")
        assert cf._opened is not None
        bus = cf._opened._ways._bus
        assert bus is not None
        assert bus._news is None
