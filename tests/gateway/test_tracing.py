"""The span at the door: whose trace it belongs to, and what it is called."""

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from counterfoil_server.runtime.telemetry.spans import Telemetry
from services.gateway.tracing import Tracing

THEIRS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def traced(connector: str, traceparent: str | None, *, development: bool) -> tuple[ReadableSpan, ReadableSpan, bytes]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(Telemetry("gateway", provider.get_tracer("t")), development=development)
    with tracing.exchange(connector, "id-1", traceparent) as traced:
        assert traced.trace_id
        ((_, header),) = traced.sending()
    send, door = exporter.get_finished_spans()
    return door, send, header


def test_a_strangers_context_becomes_a_link_and_the_trace_a_new_one():
    door, send, header = traced("postgres/demo", THEIRS, development=False)

    assert door.parent is None
    assert [f"{link.context.trace_id:032x}" for link in door.links] == ["0af7651916cd43dd8448eb211c80319c"]
    assert door.context.trace_id != door.links[0].context.trace_id
    assert send.parent is not None
    assert send.parent.span_id == door.context.span_id
    assert header.decode().split("-")[1:3] == [f"{send.context.trace_id:032x}", f"{send.context.span_id:016x}"]


def test_in_development_the_callers_trace_goes_on():
    door, _, header = traced("postgres/demo", THEIRS, development=True)

    assert door.parent is not None
    assert f"{door.parent.span_id:016x}" == "b7ad6b7169203331"
    assert header.decode().split("-")[1] == "0af7651916cd43dd8448eb211c80319c"


def test_a_context_that_is_none_is_ignored():
    for odd in (None, "", "00-zz-yy-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"):
        door, _, _ = traced("postgres/demo", odd, development=True)
        assert (door.parent, list(door.links)) == (None, [])


def test_a_span_is_named_for_a_connector_only_where_it_looks_like_one():
    assert traced("postgres/demo", None, development=False)[0].name == "exchange postgres/demo"
    for odd in ("", "hunter2 " * 10, "a/b/c d", "A/B"):
        door, _, _ = traced(odd, None, development=False)
        assert door.name == "exchange"
        assert "hunter2" not in str(door.attributes)
