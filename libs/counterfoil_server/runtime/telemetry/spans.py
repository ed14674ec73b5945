"""What the bus tells of each fact: spans where the trace is sampled, counts and times always.

Spans cost, so a record of an unsampled trace only passes its `traceparent` on.
"""

import collections
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanKind, StatusCode

from counterfoil.contracts.base import Topic
from counterfoil.wire.envelope import TRACEPARENT, kind_of
from counterfoil_server.runtime.stage import Out, Received
from counterfoil_server.runtime.telemetry import names, revoking
from counterfoil_server.runtime.telemetry.current import SPANS
from counterfoil_server.runtime.telemetry.instruments import Counter, histogram
from counterfoil_server.runtime.telemetry.instruments import meter as of_process
from counterfoil_server.runtime.telemetry.said import Counts, about, told
from counterfoil_server.runtime.telemetry.w3c import sampled, write

PROCESS = {names.SYSTEM: "kafka", names.OPERATION: "process"}
SEND = {names.SYSTEM: "kafka", names.OPERATION: "send"}


class Telemetry:
    """One per process. Give it the providers; without them it counts into nothing."""

    def __init__(self, service: str, tracer: trace.Tracer | None = None, meter: metrics.Meter | None = None) -> None:
        self._service = service
        self.tracer = tracer or trace.get_tracer("counterfoil", schema_url=names.SCHEMA_URL)
        self.meter = meter or of_process()
        self._processed, self._queued = histogram(self.meter, names.PROCESS_DURATION), histogram(self.meter, names.QUEUE_DURATION)
        self._acknowledged = histogram(self.meter, names.SEND_DURATION)
        self._consumed, self._sent = Counter(self.meter, names.CONSUMED), Counter(self.meter, names.SENT)
        self._dead, self._retries = Counter(self.meter, names.DEAD_LETTERS), Counter(self.meter, names.RETRIES)
        self._rebalances, self._stalls = Counter(self.meter, names.REBALANCES), Counter(self.meter, names.STALLS)
        self._counts = Counts(self.meter)
        self._spans: dict[int, Span] = {}

    @contextmanager
    def batch(self, received: Sequence[Received], group: str) -> Iterator[None]:
        """Around the handling of a batch: a `process` span for each record of a sampled trace, both histograms for all."""
        started, clock = time.perf_counter(), time.time()
        for one in received:
            self._start(one, group, clock)
        token = SPANS.set(self._spans)
        error: BaseException | None = None
        try:
            yield
        except BaseException as found:
            error = found
            raise
        finally:
            SPANS.reset(token)
            self._end(received, group, time.perf_counter() - started, clock, error)

    def _start(self, one: Received, group: str, clock: float) -> None:
        origin = sampled(one.headers.get(TRACEPARENT))
        if origin is None:
            return
        self._spans[id(one)] = self.tracer.start_span(
            f"process {one.topic.name}",
            context=trace.set_span_in_context(NonRecordingSpan(origin)),
            kind=SpanKind.CONSUMER,
            links=[Link(origin), *revoking.links(one.headers)],
            attributes={
                **PROCESS,
                names.OPERATION_TYPE: "process",
                names.DESTINATION: str(one.topic),
                names.GROUP: group,
                names.PARTITION: str(one.partition),
                names.OFFSET: one.offset,
                names.QUEUE_SECONDS: _queue(one, clock),
                names.KIND: kind_of(one.fact, one.topic),
                **about(one.fact),
            },
        )

    def _end(self, received: Sequence[Received], group: str, took: float, clock: float, error: BaseException | None) -> None:
        """Told once for each topic of the batch, since each telling costs: how long it took, how long the oldest of it lay. Within a span: that is
        what makes an exemplar.
        """
        failed = {} if error is None else {names.ERROR: type(error).__name__}
        by_topic = collections.defaultdict[str, list[Received]](list)
        for one in received:
            by_topic[str(one.topic)].append(one)
        for topic, batch in by_topic.items():
            labels = {**PROCESS, names.DESTINATION: topic, names.GROUP: group}
            self._consumed.add(len(batch), labels)
            spans = [span for one in batch if (span := self._spans.pop(id(one), None)) is not None]
            context = trace.set_span_in_context(spans[0]) if spans else None
            self._processed.record(took, labels | failed, context)
            self._queued.record(max(_queue(one, clock) for one in batch), {names.BY_GROUP: group, names.BY_TOPIC: topic}, context)
            for span in spans:
                if failed:
                    _fail(span, failed[names.ERROR])
                span.end()

    def buried(self, one: Received, code: str) -> None:
        """A dead letter is an error, of its own span only."""
        if (span := self._spans.get(id(one))) is not None:
            _fail(span, code)

    def sent(self, out: Out) -> list[tuple[str, bytes]]:
        """The trace headers of a fact on its way out, under a `send` span where its cause is sampled."""
        self._counts.count(out.fact)
        span = None if out.cause is None else self._spans.get(id(out.cause))
        begins = out.topic.name in revoking.BEGIN
        if begins:
            span = revoking.begun(self.tracer, out, span)
        if span is not None:
            span.set_attributes(told(out.fact))
            found = self.sending(out.topic, span, {names.KIND: kind_of(out.fact, out.topic), **about(out.fact)})
            if begins:
                span.end()
            return found
        self._sent.add(1, {**SEND, names.DESTINATION: str(out.topic)})
        carried = None if out.cause is None else out.cause.headers.get(TRACEPARENT)
        return [(TRACEPARENT, carried)] if carried else []

    def sending(self, topic: Topic, parent: Span, attributes: Mapping[str, str | float] = MappingProxyType({})) -> list[tuple[str, bytes]]:
        """The headers of one record, under a `send` span whose context is that of its creation."""
        labels = {**SEND, names.DESTINATION: str(topic)}
        self._sent.add(1, labels)
        if not parent.is_recording():
            return _header(parent)
        send = self.tracer.start_span(
            f"send {topic.name}",
            context=trace.set_span_in_context(parent),
            kind=SpanKind.PRODUCER,
            attributes={**labels, names.OPERATION_TYPE: "send", **attributes},
        )
        send.end()
        return _header(send)

    @contextmanager
    def acknowledging(self) -> Iterator[None]:
        """Around the wait for the broker."""
        started, labels = time.perf_counter(), dict(SEND)
        try:
            yield
        except BaseException as error:
            labels[names.ERROR] = type(error).__name__
            raise
        finally:
            self._acknowledged.record(time.perf_counter() - started, labels)

    def dead_letters(self, dead: Sequence[tuple[Any, str]]) -> None:
        for topic, code in dead:
            self._dead.add(1, {names.BY_TOPIC: topic, names.BY_REASON: code})

    def starts(self, groups: Iterable[str]) -> None:
        """What has not happened yet stands there as 0: a rate needs a value to begin from."""
        for group in groups:
            for one in (self._retries, self._rebalances, self._stalls):
                one.add(0, {names.BY_GROUP: group})

    def retried(self, group: str) -> None:
        self._retries.add(1, {names.BY_GROUP: group})

    def rebalanced(self, group: str) -> None:
        self._rebalances.add(1, {names.BY_GROUP: group})

    def stalled(self, group: str) -> None:
        self._stalls.add(1, {names.BY_GROUP: group})


def _header(span: Span) -> list[tuple[str, bytes]]:
    context = span.get_span_context()
    return [(TRACEPARENT, write(context))] if context.is_valid else []


def _fail(span: Span, error: str) -> None:
    span.set_attribute(names.ERROR, error)
    span.set_status(StatusCode.ERROR)


def _queue(one: Received, clock: float) -> float:
    return max(0.0, clock - one.at_ms / 1000)
