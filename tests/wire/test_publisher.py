"""A producer that the broker no longer accepts is built anew, and again where the broker was away meanwhile."""

from typing import Any

import pytest
from aiokafka.errors import OutOfOrderSequenceNumber

from counterfoil.wire import kafka
from counterfoil.wire.kafka import Connection, KafkaError, Publisher, Record

RECORD = Record("t.exchange.requested.v1", b"key", b"value", [], 0)


class Broker:
    """What producers meet: whether they can start, and whether what they send is accepted."""

    def __init__(self) -> None:
        self.away, self.accepts, self.made, self.ended = False, True, 0, 0


class Producer:
    broker: Broker

    def __init__(self, **_: Any) -> None:
        self.broker.made += 1
        self.number, self.started = self.broker.made, False

    async def start(self) -> None:
        if self.broker.away:
            raise KafkaError("away")
        self.started = True

    async def stop(self) -> None:
        self.broker.ended += 1

    def create_batch(self) -> Any:
        return self

    def append(self, **_: Any) -> bool:
        return True

    def close(self) -> None: ...

    async def send_batch(self, _builder: Any, _topic: str, *, partition: int) -> Any:  # noqa: ARG002 - aiokafka's signature
        assert self.started, "one that is not started waits for good"

        async def acknowledged() -> int:
            if not self.broker.accepts:
                raise OutOfOrderSequenceNumber
            return self.number

        return acknowledged()


@pytest.fixture(name="broker")
def one_broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    made = Broker()
    monkeypatch.setattr(Producer, "broker", made, raising=False)
    monkeypatch.setattr(kafka, "AIOKafkaProducer", Producer)
    return made


async def broken(publisher: Publisher, broker: Broker, error: type[KafkaError]) -> None:
    broker.accepts = False
    with pytest.raises(error):
        await publisher.acked(await publisher.send([RECORD]))
    broker.accepts = True


async def test_a_broken_producer_is_replaced(broker: Broker):
    publisher = Publisher(Connection("nowhere:1"))
    await publisher.start()

    await broken(publisher, broker, OutOfOrderSequenceNumber)
    await publisher.acked(await publisher.send([RECORD]))

    assert (broker.made, broker.ended) == (2, 1)


async def test_where_the_broker_is_away_it_is_replaced_as_soon_as_that_is_back(broker: Broker):
    publisher = Publisher(Connection("nowhere:1"))
    await publisher.start()
    broker.away = True
    await broken(publisher, broker, KafkaError)
    with pytest.raises(KafkaError):
        await publisher.send([RECORD])

    broker.away = False
    await publisher.acked(await publisher.send([RECORD]))

    assert (broker.made, broker.ended) == (4, 3)


async def test_after_its_end_nothing_is_built(broker: Broker):
    publisher = Publisher(Connection("nowhere:1"))
    await publisher.start()
    await publisher.stop()

    with pytest.raises(ConnectionError):
        await publisher.send([RECORD])
    assert broker.made == 1
