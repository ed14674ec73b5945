"""counterfoil dlq on real graves: listed, read, put back, given up; each act a leaf; a request whose time is over mints nothing."""

import asyncio
import json
import os
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from counterfoil.wire.kafka import Listener, Publisher, Record
from services.ops.dlq import app
from tests.support.town import EXCHANGE, TOKEN_URN, Town
from tests.support.waiting import until

REQUESTED = "exchange.requested.v1"


async def dlq(town: Town, *arguments: str) -> Result:
    """In a thread of its own: the command has a loop of its own."""
    env = {"COUNTERFOIL_KAFKA": town.plan.kafka, "COUNTERFOIL_PREFIX": town.plan.prefix, "COUNTERFOIL_DATABASE": town.plan.dsns["ops"]}
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env={**os.environ, **env})


async def listed(town: Town, *more: str) -> list[dict[str, Any]]:
    found = await dlq(town, "ls", "--topic", REQUESTED, "-o", "json", *more)
    assert found.exit_code == 0, found.output
    return list(json.loads(found.stdout)["dead_letters"])


async def produce(town: Town, record: Record) -> None:
    publisher = Publisher(town.connection)
    await publisher.start()
    await publisher.acked(await publisher.send([record]))
    await publisher.stop()


async def bury(town: Town, value: bytes) -> dict[str, Any]:
    """Something that nobody can read; its letter."""
    known = {one["place"] for one in await listed(town, "--all")}
    await produce(town, Record(town.connection.topic(REQUESTED), b"k", value, [("x", b"y")], 1))

    async def there() -> dict[str, Any] | None:
        return next((one for one in await listed(town) if one["place"] not in known), None)

    return await until(there)


async def acts(town: Town, place: str) -> list[str]:
    async with town.sql() as db:
        rows = await db.fetch(
            "SELECT convert_from(bytes, 'UTF8')::json AS leaf FROM audit_leaf WHERE convert_from(bytes, 'UTF8') LIKE $1", f"%{place}%"
        )
    return [json.loads(row["leaf"])["fact"]["change"] for row in rows]


async def test_a_letter_is_listed_read_put_back_and_given_up(town: Town):
    one = await bury(town, b"no json at all")

    shown = json.loads((await dlq(town, "show", one["place"], "-o", "json")).stdout)
    assert (shown["value"], shown["code"], shown["by"], shown["headers"]["x"]) == ("no json at all", one["code"], "verifier", "y")

    tried = await dlq(town, "redrive", "--dry-run", one["place"])
    assert tried.stdout.strip() == one["place"]
    assert one in await listed(town)

    known = {found["place"] for found in await listed(town, "--all")}
    assert (await dlq(town, "redrive", one["place"], "--reason", "try once more")).exit_code == 0
    again = await until(lambda: back(town, known))
    assert again["bytes"] == one["bytes"]
    assert one["place"] not in {found["place"] for found in await listed(town)}

    assert (await dlq(town, "discard", again["place"], "--reason", "garbage")).exit_code == 0
    assert again["place"] not in {found["place"] for found in await listed(town)}
    assert await until(lambda: acts(town, one["place"])) == ["redriven"]
    assert await until(lambda: acts(town, again["place"])) == ["discarded"]


async def back(town: Town, known: set[str]) -> dict[str, Any] | None:
    """What was put back is as unreadable as before, and is buried again."""
    return next((one for one in await listed(town) if one["place"] not in known), None)


async def test_a_request_whose_time_is_over_mints_nothing_when_it_is_put_back(town: Town):
    listener = Listener(town.connection, town.connection.topic(REQUESTED), None)
    await listener.start()
    form = {"grant_type": EXCHANGE, "subject_token": await town.id_token(), "subject_token_type": TOKEN_URN, "audience": "postgres/demo"}
    answer = (await town.http.post(f"{town.plan.url}/oauth2/token", data=form, headers={"Prefer": "wait=2"})).json()
    record = await asyncio.wait_for(anext(own async for batch in listener.batches() for own in batch), 10)
    await listener.stop()
    buried = [*record.headers, ("dlq-code", b"handler_error"), ("dlq-partition", str(record.partition).encode()), ("dlq-by", b"verifier")]
    known = {found["place"] for found in await listed(town, "--all")}
    await produce(town, Record(town.connection.topic(f"{REQUESTED}.dlq"), record.key, record.value, buried, 0))
    letter = await until(lambda: back(town, known))
    over = datetime.fromisoformat(json.loads(record.value)["deadline"])
    await asyncio.sleep(max(0.0, (over - datetime.now(UTC)).total_seconds()) + 0.1)

    for _ in range(2):
        assert (await dlq(town, "redrive", letter["place"])).exit_code == 0
    later = (await town.ask(requested_lifetime="60")).json()  # behind it on the same topics

    async with town.sql() as db:
        alive = await db.fetchval("SELECT count(*) FROM mint WHERE request_hash = (SELECT request_hash FROM mint WHERE credential_id = $1)",
                                  answer["credential_id"])  # fmt: skip
    assert later["credential_id"] != answer["credential_id"]
    assert alive == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("redrive", "nonsense"), 2, "topic:partition:offset"),
        (("redrive", "no.such.topic:0:1"), 2, "there is no topic no.such.topic"),
        (("redrive", f"{REQUESTED}:0:999999"), 3, "no dead letter lies at"),
        (("discard", f"{REQUESTED}:0:1"), 2, "--reason"),
        (("ls", "--topic", "nope"), 2, "--topic"),
    ],
)
async def test_what_is_not_there_is_said(town: Town, arguments: tuple[str, ...], code: int, words: str):
    found = await dlq(town, *arguments)

    assert found.exit_code == code
    assert words in found.output


async def test_kafka_that_is_away_is_said_without_a_traceback(town: Town):
    found = await asyncio.to_thread(CliRunner().invoke, app, ["ls"], env={**os.environ, "COUNTERFOIL_KAFKA": "127.0.0.1:1",
                                                                         "COUNTERFOIL_DATABASE": town.plan.dsns["ops"]})  # fmt: skip

    assert found.exit_code == 6
    assert "Kafka cannot be used" in found.output
    assert isinstance(found.exception, SystemExit)
