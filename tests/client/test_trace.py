"""Where a trace starts: in the app's own span if it has OpenTelemetry, else in the client, with random ids."""

import re
import subprocess
import sys
from unittest.mock import patch

import pytest
from opentelemetry import trace as opentelemetry
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from counterfoil import Denied
from counterfoil.client import trace

ROOT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]")


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(spans: InMemorySpanExporter) -> TracerProvider:
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(spans))
    return made


def test_a_root_is_random_and_says_whether_it_is_recorded():
    sampled, other = trace.root(sampled=True), trace.root(sampled=False)

    assert ROOT.fullmatch(sampled.traceparent)
    assert (sampled.traceparent[-2:], other.traceparent[-2:]) == ("01", "00")
    assert sampled.trace_id != other.trace_id
    assert sampled.headers() == (("traceparent", sampled.traceparent.encode()),)


def test_nobody_pays_for_opentelemetry_who_does_not_use_it():
    asked = (
        "import sys; from counterfoil.client import trace\n"
        "with trace.exchange('postgres/demo', True) as ours: print(len(ours.traceparent), 'opentelemetry' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout == "55 False\n"


def test_the_apps_own_trace_goes_on(spans: InMemorySpanExporter, provider: TracerProvider):
    work_span = provider.get_tracer("app").start_as_current_span("work")
    with patch.object(opentelemetry, "get_tracer", provider.get_tracer), work_span, trace.exchange("postgres/demo", sampled=False) as ours:
        pass

    exchange, work = spans.get_finished_spans()
    assert exchange.context is not None
    assert work.context is not None
    assert (exchange.name, exchange.kind) == ("exchange postgres/demo", opentelemetry.SpanKind.CLIENT)
    assert exchange.parent == work.context
    ids, _, flags = ours.traceparent.rpartition("-")
    assert ids == f"00-{exchange.context.trace_id:032x}-{exchange.context.span_id:016x}"
    assert int(flags, 16) & 1  # the app's sampler has decided


def test_a_no_is_no_error_of_the_trace(spans: InMemorySpanExporter, provider: TracerProvider):
    with patch.object(opentelemetry, "get_tracer", provider.get_tracer), pytest.raises(Denied), trace.exchange("postgres/demo", sampled=False):
        raise Denied("no_link", "no")

    (exchange,) = spans.get_finished_spans()
    assert exchange.status.status_code is opentelemetry.StatusCode.UNSET
    assert exchange.events == ()
    assert exchange.attributes is not None
    assert (exchange.attributes["counterfoil.outcome"], exchange.attributes["counterfoil.reason"]) == ("denied", "no_link")


def test_a_record_has_a_span_of_its_own_below_the_exchange(spans: InMemorySpanExporter, provider: TracerProvider):
    with patch.object(opentelemetry, "get_tracer", provider.get_tracer), trace.exchange("postgres/demo", sampled=False) as ours:
        ((_, header),) = ours.headers()

    send, exchange = spans.get_finished_spans()
    assert (send.name, send.kind, send.parent) == ("send exchange.requested", opentelemetry.SpanKind.PRODUCER, exchange.context)
    assert send.context is not None
    assert header.decode().split("-")[1:3] == [f"{send.context.trace_id:032x}", f"{send.context.span_id:016x}"]
    assert exchange.attributes is not None
    assert exchange.attributes["counterfoil.outcome"] == "granted"
