"""What the bus tells of each fact: spans where the trace is sampled, counts and times always.

Spans cost, so a record of an unsampled trace only passes its `traceparent` on.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags

from counterfoil.wire.envelope import TRACEPARENT, kind_of
from counterfoil_server.runtime.stage import Out, Received
from counterfoil_server.runtime.telemetry import names

UNSAMPLED = frozenset({b"0", b"2", b"4", b"6", b"8", b"a", b"c", b"e"})
"""How the flags of an unsampled trace end: most are, and need not be read any further."""


def parse(traceparent: bytes | None) -> SpanContext | None:
    """W3C Trace Context, section 3.2: 00-<trace>-<span>-<flags>. Anything else is no context."""
    parts = (traceparent or b"").decode("ascii", "replace").split("-")
    if len(parts) != 4 or (len(parts[0]), len(parts[1]), len(parts[2]), len(parts[3])) != (2, 32, 16, 2):
        return None
    try:
        return SpanContext(int(parts[1], 16), int(parts[2], 16), is_remote=True, trace_flags=TraceFlags(int(parts[3], 16)))
    except ValueError:
        return None


def write(context: SpanContext) -> bytes:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}".encode()


class Telemetry:
    """One per process. Give it the providers; without them it counts into nothing."""

    def __init__(self, service: str, tracer: trace.Tracer | None = None, meter: metrics.Meter | None = None) -> None:
        self._service = service
        self.tracer = tracer or trace.get_tracer("counterfoil", schema_url=names.SCHEMA_URL)
        meter = meter or metrics.get_meter("counterfoil", schema_url=names.SCHEMA_URL)
        self._processed = meter.create_histogram(names.PROCESS_DURATION, "s", "Time from a batch's arrival to its last output")
        self._queued = meter.create_histogram(names.QUEUE_DURATION, "s", "Time a record lay on its topic before it was taken")
        self._facts = meter.create_counter(names.FACTS, "1", "Facts published, by kind and code")
        self._dead = meter.create_counter(names.DEAD_LETTERS, "1", "Records that no one could read")
        self._spans: dict[int, Span] = {}

    @contextmanager
    def batch(self, received: Sequence[Received], group: str) -> Iterator[None]:
        """Around the handling of a batch: a `process` span for each record of a sampled trace, both histograms for all."""
        started, clock = time.perf_counter(), time.time()
        for one in received:
            self._start(one, group, clock)
        try:
            yield
        except BaseException as error:
            for one in received:
                if (span := self._spans.get(id(one))) is not None:
                    span.set_attribute(names.ERROR, type(error).__name__)
            raise
        finally:
            self._end(received, group, time.perf_counter() - started, clock)

    def _start(self, one: Received, group: str, clock: float) -> None:
        header = one.headers.get(TRACEPARENT)
        origin = parse(header) if header is not None and header[-1:] not in UNSAMPLED else None
        if origin is None or not origin.trace_flags.sampled:
            return
        parent = trace.set_span_in_context(NonRecordingSpan(origin))
        self._spans[id(one)] = self.tracer.start_span(
            f"process {one.topic.name}",
            context=parent,
            kind=SpanKind.CONSUMER,
            links=[Link(origin)],
            attributes={
                names.SYSTEM: "kafka",
                names.OPERATION: "process",
                names.OPERATION_TYPE: "process",
                names.DESTINATION: str(one.topic),
                names.GROUP: group,
                names.PARTITION: str(one.partition),
                names.OFFSET: one.offset,
                names.QUEUE_SECONDS: _queue(one, clock),
                names.KIND: kind_of(one.fact, one.topic),
            },
        )

    def _end(self, received: Sequence[Received], group: str, took: float, clock: float) -> None:
        of = {topic: {names.SYSTEM: "kafka", names.DESTINATION: str(topic), names.GROUP: group} for topic in {one.topic for one in received}}
        for one in received:
            labels, span = of[one.topic], self._spans.pop(id(one), None)
            context = trace.set_span_in_context(span) if span is not None else None
            self._processed.record(took, labels, context)
            self._queued.record(_queue(one, clock), labels, context)
            if span is not None:
                span.end()

    def span_of(self, one: Received) -> Span | None:
        """The `process` span of a record, for a handler's own children."""
        return self._spans.get(id(one))

    def sent(self, out: Out) -> list[tuple[str, bytes]]:
        """The trace headers of a fact on its way out, under a `send` span where its cause is sampled."""
        labels = {names.KIND: kind_of(out.fact, out.topic)}
        if code := getattr(out.fact, "code", None):
            labels[names.CODE] = code
        self._facts.add(1, labels)
        if out.cause is None:
            return []
        span = self._spans.get(id(out.cause))
        if span is None:
            carried = out.cause.headers.get(TRACEPARENT)
            return [(TRACEPARENT, carried)] if carried else []
        for name, value in labels.items():
            span.set_attribute(name, value)
        send = self.tracer.start_span(
            f"send {out.topic.name}",
            context=trace.set_span_in_context(span),
            kind=SpanKind.PRODUCER,
            attributes={
                names.SYSTEM: "kafka",
                names.OPERATION: "send",
                names.OPERATION_TYPE: "send",
                names.DESTINATION: str(out.topic),
                names.CONVERSATION: out.key,
                **labels,
            },
        )
        send.end()
        return [(TRACEPARENT, write(send.get_span_context()))]

    def dead_letters(self, dead: Sequence[tuple[Any, str]]) -> None:
        for raw, code in dead:
            self._dead.add(1, {names.DESTINATION: raw.topic, names.CODE: code})


def _queue(one: Received, clock: float) -> float:
    return max(0.0, clock - one.at_ms / 1000)
