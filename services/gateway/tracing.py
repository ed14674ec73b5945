"""The span at the door. A stranger's context is untrusted: it becomes a link, or anyone could have us record everything."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanKind

from counterfoil.wire.envelope import TRACEPARENT
from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.spans import Telemetry
from counterfoil_server.runtime.telemetry.w3c import parse, write

CONNECTOR = re.compile(r"[a-z0-9_]{1,32}/[a-z0-9._-]{1,64}")
"""A span's name is no place for whatever a stranger sends."""


class Tracing:
    def __init__(self, telemetry: Telemetry, *, development: bool) -> None:
        self._telemetry, self._development = telemetry, development

    @contextmanager
    def exchange(self, connector: str, request_id: str, traceparent: str | None) -> Iterator[Span]:
        """In development the caller's trace goes on: there the caller is the developer."""
        origin = parse(traceparent.encode() if traceparent else None)
        context, links = Context(), [Link(origin)] if origin is not None else []
        if origin is not None and self._development:
            context, links = trace.set_span_in_context(NonRecordingSpan(origin)), []
        name = connector if CONNECTOR.fullmatch(connector) else ""
        with self._telemetry.tracer.start_as_current_span(
            f"exchange {name}".strip(),
            context=context,
            kind=SpanKind.SERVER,
            links=links,
            record_exception=False,
            set_status_on_exception=False,
            attributes={names.CONVERSATION: request_id, **({names.CONNECTOR: name} if name else {})},
        ) as span:
            yield span

    def sending(self, span: Span) -> tuple[tuple[str, bytes], ...]:
        """The headers of the record that asks, under a span of its own."""
        send = self._telemetry.tracer.start_span(
            "send exchange.requested",
            context=trace.set_span_in_context(span),
            kind=SpanKind.PRODUCER,
            attributes={names.SYSTEM: "kafka", names.OPERATION: "send", names.OPERATION_TYPE: "send"},
        )
        send.end()
        context = send.get_span_context()
        return ((TRACEPARENT, write(context)),) if context.is_valid else ()


def trace_id(span: Span) -> str | None:
    context = span.get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None
