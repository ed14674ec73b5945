"""What a sender should never post to the console: it is told so, and it is nobody else's harm."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogram, Gauge, Histogram, Metric, Sum, Summary

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.telemetry import names
from services.console.spans.decoding import LARGEST, MOST_SPANS
from services.console.spans.latest import Latest
from services.console.spans.receiver import PROTOBUF, Receiver
from services.console.spans.store import Spans
from tests.console.otlp import metrics, pair, span, traces

GAUGE, HISTOGRAM = names.LIVE.name, names.EXCHANGE_DURATION.name
KEY = "key-of-all-senders"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def spans(db: Pool) -> Spans:
    found = Spans(db, now)
    await found.days()
    return found


@pytest.fixture
def latest() -> Latest:
    return Latest(now)


@pytest.fixture
async def http(spans: Spans, latest: Latest) -> AsyncIterator[httpx.AsyncClient]:
    async with door(spans, latest, None) as found:
        yield found


def door(spans: Spans, latest: Latest, key: Secret | None) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Receiver(spans, latest, key).app()), base_url="http://receiver.test")


async def post(http: httpx.AsyncClient, body: bytes, path: str = "/v1/traces", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.post(path, content=body, headers={"Content-Type": PROTOBUF} | named)


def refused(answer: httpx.Response) -> int:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == PROTOBUF
    return int(ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans)


async def test_zipped_or_not_it_is_taken(http: httpx.AsyncClient, spans: Spans):
    body = traces([span(now())])

    assert refused(await post(http, body)) == 0
    assert refused(await post(http, gzip.compress(body), content_encoding="gzip")) == 0
    assert spans._queue.qsize() == 2


ZIPPED = gzip.compress(traces([span(datetime(2026, 11, 28, tzinfo=UTC))]))


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(bytes(LARGEST + 1)),  # a bomb, if a small one
        ZIPPED[:-1],
        ZIPPED[:12],
        ZIPPED + b"more",
        zlib.compress(b""),
        b"no gzip at all",
    ],
    ids=["bomb", "without its end", "cut", "more behind it", "zlib", "none"],
)
async def test_a_bad_gzip_is_refused(http: httpx.AsyncClient, body: bytes):
    assert (await post(http, body, content_encoding="gzip")).status_code == 400


async def test_a_message_has_a_number_of_spans(http: httpx.AsyncClient, spans: Spans):
    body = traces([span(now())] * (MOST_SPANS + 1))

    assert (await post(http, body)).status_code == 400
    assert spans._queue.empty()


async def test_others_are_answered_while_a_large_message_is_read(http: httpx.AsyncClient):
    """Pages are served by the same thread: it takes a breath now and then."""
    breaths = 0

    async def breathe() -> None:
        nonlocal breaths
        while True:
            await asyncio.sleep(0)
            breaths += 1

    beside = asyncio.create_task(breathe())
    await post(http, b"")
    few, breaths = breaths, 0
    await post(http, traces([span(now())] * 4096))
    beside.cancel()

    assert breaths >= few + 6


async def test_a_span_without_an_id_is_refused_and_said_so(http: httpx.AsyncClient):
    body = traces([span(now(), trace_id=b""), span(now(), span_id=b"1"), span(now(), trace_id=bytes(16)), span(now())])

    assert refused(await post(http, body)) == 3


async def test_where_there_is_no_room_it_says_so(http: httpx.AsyncClient, spans: Spans, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spans, "_queue", asyncio.Queue(2))

    assert refused(await post(http, traces([span(now())] * 5))) == 3
    assert spans.dropped == 3


@pytest.mark.parametrize("shown", [None, "", "Bearer", "Bearer another", f"Basic {KEY}", f"Bearer {KEY}x", "Bearer \u00e9"])
async def test_without_the_key_nothing_is_taken(spans: Spans, latest: Latest, shown: str | None):
    async with door(spans, latest, Secret(KEY)) as http:
        headers = {} if shown is None else {"authorization": shown.encode("latin-1").decode("latin-1")}
        answer = await http.post(
            "/v1/traces", content=traces([span(now())]),
            headers=[(b"content-type", PROTOBUF.encode()), *((name.encode(), value.encode("latin-1")) for name, value in headers.items())],
        )  # fmt: skip

    assert answer.status_code == 401
    assert KEY not in answer.text
    assert spans._queue.empty()


def nanoseconds() -> int:
    return int(now().timestamp() * 1e9)


async def test_of_a_histogram_the_count_and_the_sum_are_kept(http: httpx.AsyncClient, latest: Latest):
    histogram = Metric(name=HISTOGRAM, histogram=Histogram())
    histogram.histogram.data_points.add(count=3, sum=1.5, time_unix_nano=nanoseconds())
    exponential = Metric(name=names.LIFETIME_GRANTED.name, exponential_histogram=ExponentialHistogram())
    exponential.exponential_histogram.data_points.add(count=4, sum=8.0, time_unix_nano=nanoseconds())

    assert (await post(http, metrics([histogram, exponential]), "/v1/metrics")).status_code == 200

    for name, said in ((HISTOGRAM, (3, 1.5)), (names.LIFETIME_GRANTED.name, (4, 8.0))):
        assert [(value.count, value.total) for value in latest.of(name).values()] == [said]


async def test_metrics_that_say_nothing_are_passed_over(http: httpx.AsyncClient, latest: Latest):
    summary = Metric(name=GAUGE, summary=Summary())
    summary.summary.data_points.add(count=1, sum=1.0)
    empty = Metric(name=GAUGE, sum=Sum())
    empty.sum.data_points.add()
    unknown = Metric(name="somebody.elses", gauge=Gauge())
    unknown.gauge.data_points.add(as_int=1)

    answer = await post(http, metrics([Metric(name=GAUGE), summary, empty, unknown]), "/v1/metrics")

    assert answer.status_code == 200
    assert latest.of(GAUGE) == latest.of("somebody.elses") == {}


async def test_labels_that_are_no_text_tell_series_apart_too(http: httpx.AsyncClient, latest: Latest):
    gauge = Metric(name=GAUGE, gauge=Gauge())
    for number in (1, 2):
        gauge.gauge.data_points.add(as_int=number, attributes=[pair("provider", number)])

    await post(http, metrics([gauge]), "/v1/metrics")

    assert sorted(value.total for value in latest.of(GAUGE).values()) == [1.0, 2.0]


async def test_series_are_bounded(http: httpx.AsyncClient, latest: Latest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.console.spans.latest.MOST", 10)
    gauge = Metric(name=GAUGE, gauge=Gauge())
    for number in range(50):
        gauge.gauge.data_points.add(as_int=number, attributes=[pair("provider", str(number))])

    await post(http, metrics([gauge]), "/v1/metrics")

    assert len(latest.of(GAUGE)) == 10
