"""The exporter: what nobody takes is counted, and who is dead holds up neither a span nor the end of the process."""

from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from counterfoil_server.runtime.telemetry import export, names
from counterfoil_server.runtime.telemetry.export import Batches, Counting, Taken
from services.dev.ports import free_port
from tests.telemetry.recording import Recording


class Deaf(SpanExporter):
    def __init__(self, answer: SpanExportResult) -> None:
        self.answer, self.seen, self.seen_lots = answer, 0, 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.seen, self.seen_lots = self.seen + len(spans), self.seen_lots + 1
        return self.answer

    def shutdown(self) -> None: ...


@pytest.fixture(name="recording")
def into_memory(monkeypatch: pytest.MonkeyPatch) -> Recording:
    made = Recording()
    monkeypatch.setattr(export, "meter", lambda: made.meter)
    return made


def spans(to: Batches, many: int) -> None:
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(to)
    for _ in range(many):
        tracers.get_tracer("t").start_span("a").end()


def dropped(recording: Recording) -> Any:
    return recording.values(names.SPANS_DROPPED)[()]


@pytest.mark.parametrize(("answer", "lost"), [(SpanExportResult.SUCCESS, 0), (SpanExportResult.FAILURE, 5)])
def test_what_nobody_takes_is_counted(recording: Recording, answer: SpanExportResult, lost: int):
    batches = Batches(Counting(Deaf(answer)))
    assert dropped(recording) == 0  # there from the start

    spans(batches, 5)
    batches.shutdown()

    assert dropped(recording) == lost


@pytest.mark.usefixtures("recording")
def test_after_a_lot_that_nobody_took_nothing_is_told_for_a_while_and_no_trace_begins():
    now, deaf = [100.0], Deaf(SpanExportResult.FAILURE)
    to = Counting(deaf, lambda: now[0])
    tracer = TracerProvider(sampler=ParentBased(Taken(1.0, to)), shutdown_on_exit=False).get_tracer("t")
    came_in = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))))

    assert tracer.start_span("before").is_recording()
    for lot, rest in enumerate([30.0, 60.0, 120.0, 240.0, 300.0, 300.0], 1):
        to.export([])
        for seconds in (0.0, rest - 0.1):
            now[0] += seconds
            to.export([])
            assert (deaf.seen_lots, tracer.start_span("a").is_recording()) == (lot, False)
            assert tracer.start_span("b", came_in).is_recording()  # its caller's choice stands
        now[0] += 0.2
        assert tracer.start_span("again").is_recording()

    deaf.answer = SpanExportResult.SUCCESS
    assert to.export([]) is SpanExportResult.SUCCESS
    deaf.answer = SpanExportResult.FAILURE
    to.export([])
    now[0] += 30.1
    assert tracer.start_span("as after the first").is_recording()


def test_what_a_full_queue_loses_is_counted(recording: Recording, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
    deaf = Deaf(SpanExportResult.SUCCESS)
    batches = Batches(Counting(deaf))
    with batches._batch_processor._export_lock:  # nobody exports meanwhile
        spans(batches, 30)
    batches.shutdown()

    assert dropped(recording) == 30 - deaf.seen == 22


@pytest.mark.usefixtures("recording")
def test_at_a_dead_address_one_lot_is_tried_and_no_more():
    """Without a clock: 2,000 spans are four lots, each would be tried for three seconds, and the end waits for two."""
    lots = list[int]()

    class Counted(OTLPSpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            lots.append(len(spans))
            return super().export(spans)

    batches = Batches(Counting(Counted(f"http://127.0.0.1:{free_port()}/v1/traces", timeout=export.PATIENCE)))
    spans(batches, 2000)
    batches.shutdown()

    assert lots == [512]
