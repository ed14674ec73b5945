"""Where traces and metrics go: by OTLP over HTTP when an endpoint is set, else nowhere. Nothing waits for it, not even the process's end for long."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased

from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.instruments import Counter, meter

PATIENCE: Final = 3.0
"""Seconds for one lot, tries and all: what nobody takes by then is dropped, and counted."""
LAST: Final = 2000
"""Milliseconds for what is left at the end."""
EVERY: Final = 10_000
REST, LONGEST = 30.0, 300.0
"""Seconds in which nothing is told, after a lot that nobody took, and twice as long after the next one: an address that is dead for days must cost
next to nothing."""


class Counting(SpanExporter):
    """Counts what is dropped."""

    def __init__(self, to: SpanExporter, clock: Callable[[], float] = time.monotonic) -> None:
        self._to, self._clock, self._dropped = to, clock, Counter(meter(), names.SPANS_DROPPED)
        self._rests_until, self._rest = 0.0, REST
        self._dropped.add(0)

    @property
    def rests(self) -> bool:
        return self._clock() < self._rests_until

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self.rests:
            self.drop(len(spans))
            return SpanExportResult.FAILURE
        found = self._to.export(spans)
        if found is SpanExportResult.SUCCESS:
            self._rest = REST
        else:
            self.drop(len(spans))
            self._rests_until, self._rest = self._clock() + self._rest, min(LONGEST, 2 * self._rest)
        return found

    def drop(self, many: int) -> None:
        self._dropped.add(many)

    def shutdown(self) -> None:
        self._to.shutdown()


class Taken(Sampler):
    """For traces that begin here: a share of them, and none while nobody takes them. They are recorded by no stage then."""

    def __init__(self, share: float, to: Counting) -> None:
        self._share, self._to = TraceIdRatioBased(share), to

    def should_sample(self, *args: Any, **more: Any) -> SamplingResult:
        return SamplingResult(Decision.DROP) if self._to.rests else self._share.should_sample(*args, **more)

    def get_description(self) -> str:
        return self._share.get_description()


class Batches(BatchSpanProcessor):
    """A full queue loses its oldest span for each new one: the SDK does not say how many."""

    def __init__(self, to: Counting) -> None:
        super().__init__(to)
        self._counting = to

    def on_end(self, span: ReadableSpan) -> None:
        queue = self._batch_processor._queue  # noqa: SLF001 - what the SDK shows of it, it shows in metrics of its own names
        if len(queue) == queue.maxlen and span.context and span.context.trace_flags.sampled:
            self._counting.drop(1)
        super().on_end(span)

    def shutdown(self) -> None:
        self._batch_processor.shutdown(timeout_millis=LAST)  # its own waits half a minute


class Reader(PeriodicExportingMetricReader):
    def shutdown(self, timeout_millis: float = LAST, **more: object) -> None:
        super().shutdown(min(timeout_millis, LAST), **more)


def install(service: str, replica: str, endpoint: str | None, sampled: float) -> None:
    """Once per process. `sampled` is the share of traces that begin here; those that came in keep their caller's choice."""
    if endpoint is None:
        return
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # a collector that is away would fill the logs; spans.dropped says it
    # a random service.instance.id would make each restart a new series
    resource = Resource({"service.name": f"counterfoil-{service}", "service.instance.id": f"{service}-{replica}"}, names.SCHEMA_URL)
    base = endpoint.rstrip("/")
    reader = Reader(OTLPMetricExporter(f"{base}/v1/metrics", timeout=PATIENCE), export_interval_millis=EVERY)
    metrics.set_meter_provider(MeterProvider([reader], resource=resource))
    exporter = Counting(OTLPSpanExporter(f"{base}/v1/traces", timeout=PATIENCE))
    tracers = TracerProvider(resource=resource, sampler=ParentBased(Taken(sampled, exporter)))
    tracers.add_span_processor(Batches(exporter))
    trace.set_tracer_provider(tracers)


def flush() -> None:
    """Before the process ends."""
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        if hasattr(provider, "shutdown"):
            provider.shutdown()
