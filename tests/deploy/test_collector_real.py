"""All that we can measure, through a real collector into a real Prometheus: under the names that boards and rules ask for, with its exemplars."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Histogram, Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Span, Tracer

from counterfoil.contracts import exchange_authorized, revocation_settled
from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.instruments import Gauge, counter, histogram
from counterfoil_server.runtime.telemetry.metric import Metric
from counterfoil_server.runtime.telemetry.names import METRICS
from deploy.boards.every import boards
from tests.deploy.promql import SERIES
from tests.deploy.watched import Stand, watching
from tests.support.otlp import Receiver, receiving
from tests.support.waiting import until

pytestmark = pytest.mark.deployment
RESOURCE = Resource({"service.name": "counterfoil-policy", "service.instance.id": "policy-0"})
CALLS, TOOK = "traces_span_metrics_calls_total", "traces_span_metrics_duration_seconds"
GRANTED, MANY = 40, 20


def measured(meter: Meter) -> Iterator[Any]:
    """Each metric of the table once, with each of its labels. What is given is kept: a gauge is asked for later."""
    for metric in METRICS:
        labels = {label: value(label) for label in metric.labels}
        if metric.kind == "histogram":
            histogram(meter, metric).record(0.2, labels)
        elif metric.kind == "counter":
            Counter(meter, metric).add(1, labels)
        else:
            gauge = Gauge(meter, metric)
            gauge.show((1, labels))
            yield gauge


def value(label: str) -> str:
    return {names.BY_PHASE: "confirmed", names.BY_OUTCOME: "granted", names.BY_DECISION: "deny", names.STATUS: "429"}.get(label, "one")


def decided(tracer: Tracer, decision: str, **more: str) -> str:
    """The id of a trace in which policy decided."""
    topic = {names.DESTINATION: str(exchange_authorized.TOPIC), names.CONNECTOR: "postgres/demo", names.DECISION: decision}
    with tracer.start_as_current_span("process exchange.verified", attributes={**topic, **more}) as span:
        return traced(span)


def revoked(tracer: Tracer) -> str:
    with tracer.start_as_current_span("process revocation.settled", attributes={names.DESTINATION: str(revocation_settled.TOPIC)}) as span:
        return traced(span)


def traced(span: Span) -> str:
    return f"{span.get_span_context().trace_id:032x}"


@pytest.fixture(scope="module")
async def onward() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
async def stand(onward: Receiver, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    with watching(tmp_path_factory.mktemp("watched"), onward.url) as found:
        await until(partial(asyncio.to_thread, found.ready))
        yield found


@pytest.fixture(scope="module")
async def traces(stand: Stand) -> dict[str, set[str]]:
    """Ids of traces by what happened in them. Everything is measured once, and one thing within a trace."""
    tracers = TracerProvider(resource=RESOURCE)
    tracers.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{stand.otlp}/v1/traces")))
    meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(f"{stand.otlp}/v1/metrics"), 1000)], resource=RESOURCE)
    tracer = tracers.get_tracer("counterfoil")
    meter = meters.get_meter("counterfoil")
    kept = list(measured(meter))
    with tracer.start_as_current_span("exchange") as span:
        outer = traced(span)
    found = {
        "granted": {decided(tracer, "allow") for _ in range(GRANTED)},
        "denied": {decided(tracer, "deny", **{names.CODE: "no_link"}) for _ in range(MANY)},
        "revoked": {revoked(tracer) for _ in range(MANY)},
        "measured": {outer},
    }
    await until(partial(asyncio.to_thread, lambda: SERIES.keys() <= stand.names()))
    await until(partial(asyncio.to_thread, lambda: calls(stand, names.DECISION) == {"allow": GRANTED, "deny": MANY}))
    await until(partial(asyncio.to_thread, partial(exemplary, stand, histogram(meter, names.EXCHANGE_DURATION), span)))
    meters.shutdown()
    assert len(kept) > 10
    return found


def exemplary(stand: Stand, took: Histogram, span: Span) -> bool:
    """Another exchange in this trace, as long as none is shown: an exemplar is told once, and the exports here are as far apart as the scrapes."""
    took.record(0.2, {names.BY_PROVIDER: "one", names.BY_OUTCOME: "granted"}, trace.set_span_in_context(span))
    return bool(exemplars(stand))


def exemplars(stand: Stand) -> set[str]:
    now = time.time()
    found = stand.asked("query_exemplars", query=f"{names.EXCHANGE_DURATION.prometheus}_bucket", start=str(now - 600), end=str(now + 60))
    return {exemplar["labels"]["trace_id"] for one in found for exemplar in one["exemplars"]}


def calls(stand: Stand, by: str) -> dict[str, int]:
    label = by.replace(".", "_")
    return {one["metric"][label]: int(float(one["value"][1])) for one in stand.values(f'sum by ({label}) ({CALLS}{{{label}!=""}})')}


def test_each_metric_is_there_under_the_name_that_we_give_it_and_no_other(stand: Stand, traces: dict[str, set[str]]):
    ours = {name for name in stand.names() if name.startswith(("counterfoil_", "messaging_", "http_", "process_"))}

    assert ours == SERIES.keys()
    assert traces


@pytest.mark.parametrize("metric", METRICS, ids=lambda one: one.name)
def test_it_has_its_labels_and_names_its_process(stand: Stand, traces: dict[str, set[str]], metric: Metric):
    (found, *_) = stand.values(metric.series[0])

    assert {label.replace(".", "_") for label in metric.labels} <= found["metric"].keys()
    assert (found["metric"]["job"], found["metric"]["instance"]) == ("counterfoil-policy", "policy-0")
    assert traces


def test_a_histogram_leads_to_the_trace_that_it_was_recorded_in(stand: Stand, traces: dict[str, set[str]]):
    assert exemplars(stand) == traces["measured"]


@pytest.mark.parametrize("board", boards().values(), ids=lambda one: one["uid"])
def test_prometheus_answers_what_a_board_asks(stand: Stand, traces: dict[str, set[str]], board: Any):
    asked = [target["expr"].replace("$__rate_interval", "1m") for panel in board["panels"] for target in panel.get("targets", [])]

    assert asked
    assert [expr for expr in asked if not isinstance(stand.values(expr), list)] == []
    assert traces


def test_spans_are_counted_by_what_was_decided_why_where_and_by_whom_it_was_asked(stand: Stand, traces: dict[str, set[str]]):
    assert calls(stand, names.CODE) == {"no_link": MANY}
    assert calls(stand, names.CONNECTOR) == {"postgres/demo": GRANTED + MANY}
    assert calls(stand, names.DESTINATION) == {str(exchange_authorized.TOPIC): GRANTED + MANY, str(revocation_settled.TOPIC): MANY}
    assert stand.values(f"{TOOK}_bucket")
    assert traces


async def test_denials_and_revocations_are_kept_whole_and_of_the_rest_a_few(onward: Receiver, traces: dict[str, set[str]]):
    wanted = traces["denied"] | traces["revoked"]
    while not wanted <= {span.trace_id for span in onward.spans}:  # noqa: ASYNC110 - the collector sends them
        await asyncio.sleep(0.1)

    assert len(traces["granted"] & {span.trace_id for span in onward.spans}) < GRANTED / 2
