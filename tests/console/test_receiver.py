"""Spans and metrics as services send them: what is kept, what is refused, and what can hurt nobody."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.settings import BadSetting
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.telemetry import names
from services.console.own_settings import otlp
from services.console.spans.decoding import LARGEST, BadBody, inflated
from services.console.spans.latest import Latest
from services.console.spans.receiver import PROTOBUF, Receiver
from services.console.spans.store import Spans, of_request
from tests.console.otlp import gauge, rows, spans


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def kept(db: Pool, owner: asyncpg.Connection) -> AsyncIterator[Spans]:
    found = Spans(db, now)
    await found.days()
    writing = asyncio.create_task(found.write())
    yield found
    writing.cancel()
    with suppress(asyncio.CancelledError):
        await writing
    await owner.execute("TRUNCATE span")


def client(kept: Spans, latest: Latest | None = None, key: str | None = None) -> httpx.AsyncClient:
    receiver = Receiver(kept, latest or Latest(now), Secret(key) if key else None)
    return httpx.AsyncClient(transport=httpx.ASGITransport(receiver.app()), base_url="http://otlp.test", headers={"Content-Type": PROTOBUF})


async def written(owner: asyncpg.Connection, count: int) -> None:
    async with asyncio.timeout(10):
        while await owner.fetchval("SELECT count(*) FROM span") < count:  # noqa: ASYNC110 - another task writes
            await asyncio.sleep(0.01)


async def test_spans_are_kept_and_found_by_the_request_that_they_are_about(kept: Spans, owner: asyncpg.Connection, db: Pool):
    request_id = uuid4()
    async with client(kept) as http:
        body = spans(now(), "exchange postgres/demo", "process exchange.requested", request_id=request_id)
        answers = [await http.post("/v1/traces", content=body), await http.post("/v1/traces", content=b"")]
        answers.append(await http.post("/v1/traces", content=gzip.compress(spans(now(), "x", trace=b"u" * 16)), headers={"Content-Encoding": "gzip"}))

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    await written(owner, 3)
    found = await of_request(db, request_id)
    assert [(row.name, row.service, row.parent_id) for row in found] == [
        ("exchange postgres/demo", "verifier", None), ("process exchange.requested", "verifier", b"\x01" * 8),
    ]  # fmt: skip
    assert found[1].attributes[names.QUEUE_SECONDS] == 0.004
    assert await of_request(db, uuid4()) == []


async def test_what_is_no_attribute_of_ours_is_not_kept():
    (found,) = rows(spans(now(), "x", more={"authorization": "Bearer eyJ", "url.full": "https://x/?token=1"}))

    assert set(found.attributes) == {names.QUEUE_SECONDS}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content-Type": "application/json"}, 415),
        (b"\xff\xff\xff", {}, 400),
        (b"no gzip", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b"x" * 100)[:-4], {"Content-Encoding": "gzip"}, 400),
        (zlib.compress(b""), {"Content-Encoding": "gzip"}, 400),
        (b"", {"Content-Encoding": "br"}, 400),
        (b"x" * (LARGEST + 1), {}, 400),
    ],
    ids=["json", "no protobuf", "no gzip", "cut short", "zlib", "brotli", "too large"],
)
async def test_a_body_that_cannot_be_read_is_refused(kept: Spans, body: bytes, headers: dict[str, str], status: int):
    async with client(kept) as http:
        assert (await http.post("/v1/traces", content=body, headers=headers)).status_code == status
        assert (await http.post("/v1/metrics", content=body, headers=headers)).status_code == status


def test_a_bomb_is_never_unpacked():
    with pytest.raises(BadBody, match="more than"):
        inflated(gzip.compress(bytes(50 * 1024 * 1024)), "gzip")


@pytest.mark.parametrize("off", [timedelta(days=5), timedelta(days=-9), timedelta(days=3650)])
async def test_spans_of_another_day_are_refused_and_counted(kept: Spans, off: timedelta):
    async with client(kept) as http:
        answer = await http.post("/v1/traces", content=spans(now() + off, "x", "y"))

    assert answer.status_code == 200
    assert ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans == 2
    assert kept.dropped == 2


async def test_with_a_key_nobody_gets_in_without_it(kept: Spans):
    async with client(kept, key="k3y") as http:
        tried = [
            await http.post("/v1/traces", content=b"", headers=headers) for headers in ({}, {"Authorization": "Bearer k3"}, {"Authorization": "k3y"})
        ]
        let_in = await http.post("/v1/traces", content=b"", headers={"Authorization": "Bearer k3y"})

    assert [answer.status_code for answer in tried] == [401] * 3
    assert let_in.status_code == 200


def test_without_a_key_it_listens_on_this_machine_alone():
    assert otlp({}) is None
    assert otlp({"COUNTERFOIL_CONSOLE_OTLP_PORT": "8487"}) == ("127.0.0.1", 8487)
    with pytest.raises(BadSetting, match="COUNTERFOIL_CONSOLE_OTLP_KEY"):
        otlp({"COUNTERFOIL_CONSOLE_OTLP_PORT": "8487", "COUNTERFOIL_CONSOLE_OTLP_HOST": "0.0.0.0"})  # noqa: S104
    assert otlp({"COUNTERFOIL_CONSOLE_OTLP_PORT": "1", "COUNTERFOIL_CONSOLE_OTLP_HOST": "10.0.0.1", "COUNTERFOIL_CONSOLE_OTLP_KEY": "k"})


async def test_the_last_value_of_each_series_is_known_for_a_minute(kept: Spans):
    clock = [now()]
    latest = Latest(lambda: clock[0])
    async with client(kept, latest) as http:
        for value in (3.0, 7.0):
            await http.post("/v1/metrics", content=gauge("counterfoil.stage.lag", value, group="policy"))
        await http.post("/v1/metrics", content=gauge("somebody.elses", 1.0))

    ((series, last),) = latest.of("counterfoil.stage.lag").items()
    assert (series.service, series.instance, dict(series.labels), last.total) == ("policy", "policy-0", {"group": "policy"}, 7.0)
    assert latest.instances() == [("policy", "policy-0")]
    clock[0] += timedelta(minutes=2)
    assert latest.of("counterfoil.stage.lag") == {}


async def test_days_are_made_ahead_and_dropped_after_three(db: Pool, owner: asyncpg.Connection):
    await Spans(db, now).days()
    before = {row["relname"] for row in await owner.fetch("SELECT relname FROM pg_class WHERE relname ~ '^span_2' AND relkind = 'r'")}
    await owner.execute("SELECT span_day(current_date - 6)")

    await Spans(db, now).days()

    after = {row["relname"] for row in await owner.fetch("SELECT relname FROM pg_class WHERE relname ~ '^span_2' AND relkind = 'r'")}
    assert f"span_{now() + timedelta(days=1):%Y%m%d}" in after
    assert after == before
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.execute("DROP TABLE span")
