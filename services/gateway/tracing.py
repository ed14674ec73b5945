"""The span at the door, and how long it took. A stranger's context is untrusted: it becomes a link, or anyone could have us record everything."""

import re
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanKind

from counterfoil.contracts import exchange_requested
from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.instruments import histogram
from counterfoil_server.runtime.telemetry.said import DENY, REFUSE, REJECT, provider_of
from counterfoil_server.runtime.telemetry.spans import Telemetry
from counterfoil_server.runtime.telemetry.w3c import parse

CONNECTOR = re.compile(r"[a-z0-9_]{1,32}/[a-z0-9._-]{1,64}")
"""A span's name is no place for whatever a stranger sends."""
UNKNOWN = "unknown"
"""Nor is a label: every provider that is none is this one."""
GRANTED, UNAVAILABLE, REVOKED = "granted", "unavailable", "revoked"
STAGES = {"verify": ("rejected", REJECT), "authorize": ("denied", DENY), "mint": ("refused", REFUSE)}
OURS = frozenset({"audit_unavailable", "registry_unavailable", "unavailable", "clock_skew", "stale_decision", "in_progress", "late", "unknown_key"})
"""Codes by which a stage says that a part of ours is away or late: no judgement of this caller."""


@dataclass(slots=True)
class Exchange:
    """One, from the door to the answer. Unless something is said of it, a part of ours did not answer."""

    span: Span
    telemetry: Telemetry
    outcome: str = UNAVAILABLE

    @property
    def trace_id(self) -> str | None:
        context = self.span.get_span_context()
        return f"{context.trace_id:032x}" if context.is_valid else None

    def sending(self) -> tuple[tuple[str, bytes], ...]:
        """The headers of the record that asks, under a span of its own."""
        return tuple(self.telemetry.sending(exchange_requested.TOPIC, self.span))

    def said_no(self, code: str, stage: str) -> None:
        """A no is no error: the span's status stays unset."""
        self.outcome, decision = STAGES.get(stage, (UNAVAILABLE, None))
        if code == REVOKED:
            self.outcome = REVOKED
        elif code in OURS:
            self.outcome = UNAVAILABLE
        self.span.set_attribute(names.CODE, code)
        if decision:
            self.span.set_attribute(names.DECISION, decision)


class Tracing:
    """`providers`: those there are."""

    def __init__(self, telemetry: Telemetry, *, development: bool, providers: Collection[str] = ()) -> None:
        self._telemetry, self._development, self._providers = telemetry, development, frozenset(providers)
        self._took = histogram(telemetry.meter, names.EXCHANGE_DURATION)

    @contextmanager
    def exchange(self, connector: str, request_id: str, traceparent: str | None) -> Iterator[Exchange]:
        """In development the caller's trace goes on: there the caller is the developer."""
        origin = parse(traceparent.encode() if traceparent else None)
        context, links = Context(), [Link(origin)] if origin is not None else []
        if origin is not None and self._development:
            context, links = trace.set_span_in_context(NonRecordingSpan(origin)), []
        name, started = connector if CONNECTOR.fullmatch(connector) else "", time.perf_counter()
        with self._telemetry.tracer.start_as_current_span(
            f"exchange {name}".strip(),
            context=context,
            kind=SpanKind.SERVER,
            links=links,
            record_exception=False,
            set_status_on_exception=False,
            attributes={names.CONVERSATION: request_id, **({names.CONNECTOR: name} if name else {})},
        ) as span:
            made = Exchange(span, self._telemetry)
            try:
                yield made
            finally:
                span.set_attribute(names.OUTCOME, made.outcome)
                provider = provider_of(name) if provider_of(name) in self._providers else UNKNOWN
                labels = {names.BY_PROVIDER: provider, names.BY_OUTCOME: made.outcome}
                self._took.record(time.perf_counter() - started, labels)  # inside the span: that is what makes an exemplar
