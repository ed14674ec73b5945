"""How the installation is: what waits, keys, dead letters that are put back with the operator's own token."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import asyncpg
import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from counterfoil.wire.kafka import Connection, Publisher, Record
from counterfoil_server.runtime import dead_letters
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.telemetry import names
from services.console.pages import system
from services.console.spans.latest import Latest
from tests.console.conftest import NOW, Visit, nothing, visiting
from tests.console.otlp import gauge
from tests.support.topics import Seen, everything
from tests.support.town import Town

REQUESTED = "exchange.requested.v1"


@pytest.fixture
async def tables(owner: asyncpg.Connection) -> asyncpg.Connection:
    await owner.execute("TRUNCATE revocation, heartbeat, service_key, dead_letter")
    return owner


@pytest.fixture
async def visit(db: Pool, tables: asyncpg.Connection) -> AsyncIterator[Visit]:  # noqa: ARG001 - it empties them
    async with visiting([system.pages], db, nothing) as found:
        yield found


async def test_what_waits_is_counted_by_state_with_the_oldest(visit: Visit, tables: asyncpg.Connection):
    for state, tries in (("stuck", 7), ("stuck", 3), ("confirmed", 1)):
        await tables.execute(
            "INSERT INTO revocation (id, credential_id, cause, state, attempts, at) VALUES ($1, $2, 'x', $3, $4, $5)",
            uuid4(), uuid4(), state, tries, NOW - timedelta(hours=tries),
        )  # fmt: skip

    page = await visit.page("/system")

    assert ">stuck<" in page
    assert "2026-11-28 05:00:00 UTC" in page
    assert "confirmed" not in page


async def test_stages_are_listed_by_how_far_behind_they_are(db: Pool, tables: asyncpg.Connection):  # noqa: ARG001 - it empties them
    latest = Latest(lambda: NOW)
    for group, replica in (("policy", 3.0), ("policy", 4.0), ("audit", 0.0)):
        latest.take(ExportMetricsServiceRequest.FromString(gauge(names.LAG.name, replica, group=group, topic="t", partition=str(replica))))
    latest.take(ExportMetricsServiceRequest.FromString(gauge(names.LAG_AGE.name, 12.0, group="policy", topic="t")))
    async with visiting([system.pages], db, nothing, latest=latest) as visit:
        page = await visit.page("/system")

    rows = page.partition("the furthest first")[2].partition("</table>")[0]
    assert rows.index(">policy<") < rows.index(">audit<")
    assert '>7</td><td class="number">12 s<' in rows
    assert "No process sends metrics" not in page


async def test_a_quiet_installation_says_so(visit: Visit):
    page = await visit.page("/system")

    assert "whatever was ordered to end has ended" in page
    assert "counterfoil keys init" in page
    assert "given no way to Kafka" in page


async def test_keys_are_shown_with_their_times_and_no_private_half(visit: Visit, tables: asyncpg.Connection):
    add = "INSERT INTO service_key (kid, role, use, public, not_before, not_after) VALUES ($1, 'verifier', 'open', '\\x706b', $2, $3)"
    await tables.execute(add, "now1", NOW - timedelta(days=1), None)
    await tables.execute(add, "soon", NOW + timedelta(minutes=1), None)
    await tables.execute(add, "over", NOW - timedelta(days=9), NOW - timedelta(days=1))

    page = await visit.page("/system")

    assert "now1" in page
    assert page.count("not yet") == 1
    assert "over" not in page.partition("Keys</h2>")[2]


async def test_the_bundle_is_json_and_names_nobody(visit: Visit):
    answer = await visit.http.get("/system/diagnostics")

    assert "attachment" in answer.headers["content-disposition"]
    assert set(json.loads(answer.text)) == {"at", "audit", "revocations_waiting", "keys", "leaves", "counted", "revision"}


@pytest.fixture
def graves(town: Town) -> Connection:
    """Its verifier reads what is put back, and buries it again."""
    return town.connection


async def bury(kafka: Connection, value: bytes) -> str:
    """Where it lies."""
    publisher = Publisher(kafka)
    await publisher.start()
    headers = [("x", b"y"), ("dlq-code", b"not_json"), ("dlq-by", b"verifier"), ("dlq-partition", b"1"), ("dlq-offset", b"7")]
    (sent,) = await publisher.send([Record(kafka.topic(f"{REQUESTED}.dlq"), b"k", value, headers, 0)])
    offset = (await sent).offset
    await publisher.stop()
    return f"{REQUESTED}:0:{offset}"


def gateway(request: httpx.Request) -> httpx.Response:
    """As the real one records it, without its table."""
    return httpx.Response(200, json={"revision": 1, **json.loads(request.content)}) if request.url.path == "/v1/dead-letters" else nothing(request)


async def test_a_letter_is_put_back_once_the_gateway_has_it_on_record(db: Pool, tables: asyncpg.Connection, graves: Connection):
    place, before = await bury(graves, b"<garbage>"), await records(graves)
    async with visiting([system.pages], db, gateway, kafka=graves) as visit:
        piece = await visit.page("/system/letters")
        assert place in piece
        assert "not_json" in piece

        said = await visit.send("/system/letters", place=place, act="redriven", reason="a new version")

    assert "was put back" in said.text
    assert [json.loads(one.content) for one in visit.asked] == [{"place": place, "act": "redriven", "reason": "a new version"}]
    again = [one for one in await records(graves) if one not in before]
    assert [(one.value, one.partition, one.headers) for one in again] == [(b"<garbage>", 1, {"x": b"y"})]
    await tables.execute("INSERT INTO dead_letter VALUES ($1, 0, $2, 'redriven', 'r', now())", REQUESTED, int(place.rpartition(":")[2]))
    async with visiting([system.pages], db, gateway, kafka=graves) as visit:
        assert f">{place}<" not in await visit.page("/system/letters")


async def records(kafka: Connection) -> list[Seen]:
    return await everything(kafka, kafka.topic(REQUESTED))


async def test_what_the_gateway_refuses_is_not_put_back(db: Pool, graves: Connection):
    place, before = await bury(graves, b"x"), len(await records(graves))
    async with visiting([system.pages], db, nothing, kafka=graves) as visit:
        answer = await visit.send("/system/letters", place=place, act="redriven", reason="r")

    assert answer.status_code == 404
    assert len(await records(graves)) == before


async def test_a_viewer_is_offered_nothing_and_refused(db: Pool, graves: Connection):
    place = await bury(graves, b"x")
    async with visiting([system.pages], db, gateway, kafka=graves) as visit:
        visit.as_role("viewer")
        assert "Put back" not in await visit.page("/system/letters")
        assert (await visit.send("/system/letters", place=place, act="redriven")).status_code == 403
        assert visit.asked == []


@pytest.mark.parametrize("form", [{}, {"act": "redriven"}, {"act": "eaten", "place": f"{REQUESTED}:0:0"}, {"act": "redriven", "place": "a:b:c"}])
async def test_what_is_no_act_is_refused(db: Pool, graves: Connection, form: dict[str, str]):
    async with visiting([system.pages], db, gateway, kafka=graves) as visit:
        assert (await visit.send("/system/letters", **form)).status_code == 400
        assert visit.asked == []


async def test_kafka_that_is_away_is_said_on_the_page(db: Pool):
    async with visiting([system.pages], db, gateway, kafka=Connection("127.0.0.1:1")) as visit:
        assert "Kafka cannot be used" in await visit.page("/system/letters")


def test_only_what_a_stage_reads_has_a_grave():
    assert "exchange.replied.v1" not in dead_letters.names()
    assert REQUESTED in dead_letters.names()
