"""The walk with Kafka's own guard up, and nothing granted but what the table says: every process as a principal of its own."""

import asyncio
import re
from collections.abc import AsyncIterator

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from counterfoil.client.client import Client
from counterfoil.contracts import audit_recorded, exchange_requested
from counterfoil.wire.kafka import Connection, Publisher, Record
from deploy.acls import CONSUMER, OPS, REDRIVE, processes
from services.dev.postgres import Postgres
from tests.support.guarded import PREFIX, Guarded
from tests.support.sql import ended
from tests.support.town import Town, founded
from tests.support.waiting import until

REFUSED = re.compile(rb"AuthorizationFailed")


def way_in(connection: Connection) -> dict[str, str]:
    assert connection.username
    assert connection.password
    return {"COUNTERFOIL_KAFKA_USERNAME": connection.username, "COUNTERFOIL_KAFKA_PASSWORD": connection.password.text()}


@pytest.fixture(scope="module", name="guarded_town")
async def town_behind_a_guard(guarded: Guarded, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    own = {role: way_in(guarded.connection(role)) for role in (*processes(), OPS)}
    async with founded(tmp_path_factory.mktemp("guarded-town"), guarded.servers, postgres_server, prefix=PREFIX, own=own) as made:
        yield made
        assert REFUSED.findall(made.logs()) == []


async def test_a_credential_is_lent_used_and_revoked(guarded_town: Town):
    body = (await guarded_town.ask(scope="read", requested_lifetime=300)).json()
    session = await asyncpg.connect(body["access_token"])
    assert await session.fetchval("SELECT count(*) FROM shop.customers") == 3

    bearer = {"Authorization": f"Bearer {await guarded_town.id_token()}"}
    revoked = await guarded_town.http.post(f"{guarded_town.plan.url}/oauth2/revoke", data={"token": body["credential_id"]}, headers=bearer)

    assert revoked.status_code == 200, revoked.text
    await until(lambda: ended(session))


async def test_an_app_asks_over_the_bus_with_a_clients_rights(guarded_town: Town, guarded: Guarded):
    async with Client(guarded_town.plan.url, guarded_town.id_token, "kafka", kafka=guarded.connection("client")) as client:
        credential = await client.exchange("postgres/demo", scopes=["read"], lifetime=60)

    assert credential.reveal().startswith("postgresql://")


async def test_who_was_granted_the_audit_stream_reads_it_in_its_own_group(guarded_town: Town, guarded: Guarded):
    body = (await guarded_town.ask(scope="read")).json()
    me = guarded.connection(CONSUMER)
    topic, group = me.topic(audit_recorded.TOPIC), f"{PREFIX}.{CONSUMER}.{me.username}"
    async with AIOKafkaConsumer(topic, **me.options(), group_id=group, auto_offset_reset="earliest") as consumer, asyncio.timeout(30):
        async for record in consumer:
            if body["credential_id"].encode() in record.value:
                break
        await consumer.commit()


@pytest.mark.usefixtures("guarded_town")
async def test_what_no_one_can_read_is_buried_and_whoever_puts_it_back_finds_it(guarded: Guarded):
    client, redrive = guarded.connection("client"), guarded.connection(REDRIVE)
    topic = client.topic(exchange_requested.TOPIC)
    publisher = Publisher(client)
    await publisher.start()
    await publisher.acked(await publisher.send([Record(topic, b"k", b"of no use to anyone", [], 2)]))
    await publisher.stop()

    async with AIOKafkaConsumer(**redrive.options(), auto_offset_reset="earliest") as consumer, asyncio.timeout(30):
        consumer.assign([TopicPartition(f"{topic}.dlq", 2)])
        assert (await consumer.getone()).value == b"of no use to anyone"
