"""The exporter: what nobody takes is counted, and who is dead holds up neither a span nor the end of the process."""

from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from counterfoil_server.runtime.telemetry import export, names
from counterfoil_server.runtime.telemetry.export import Batches, Counting
from services.dev.ports import free_port
from tests.telemetry.recording import Recording


class Deaf(SpanExporter):
    def __init__(self, answer: SpanExportResult) -> None:
        self.answer, self.seen = answer, 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.seen += len(spans)
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


def test_what_a_full_queue_loses_is_counted(recording: Recording, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
    deaf = Deaf(SpanExportResult.SUCCESS)
    batches = Batches(Counting(deaf))
    with batches._batch_processor._export_lock:  # nobody exports meanwhile
        spans(batches, 30)
    batches.shutdown()

    assert dropped(recording) == 30 - deaf.seen == 22


def test_a_dead_address_ends_no_later_than_it_may(recording: Recording):
    """Without a clock: 2,000 spans are four lots, and a lot is tried for three seconds. Not all of them were waited for."""
    batches = Batches(Counting(OTLPSpanExporter(f"http://127.0.0.1:{free_port()}/v1/traces", timeout=export.PATIENCE)))
    spans(batches, 2000)
    batches.shutdown()

    assert dropped(recording) < 2000
