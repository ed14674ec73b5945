"""The record that is handled now, for what is done on its behalf: a call to a provider becomes a child of its span."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span

from counterfoil.wire.envelope import TRACEPARENT
from counterfoil_server.runtime.telemetry.w3c import write

SPANS: ContextVar[Mapping[int, Span]] = ContextVar("spans", default=MappingProxyType({}))
"""The `process` spans of the batch, by the identity of the record: those of sampled traces only."""


@contextmanager
def within(record: object) -> Iterator[None]:
    """Without a span this does nothing: a call of an unsampled exchange must not begin a trace."""
    span = SPANS.get().get(id(record))
    if span is None:
        yield
        return
    with trace.use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False):
        yield


def traceparent(record: Any) -> bytes | None:
    """Of the work on this record: its `process` span, or where nobody records, whatever came with it."""
    span = SPANS.get().get(id(record))
    found: bytes | None = record.headers.get(TRACEPARENT) if span is None else write(span.get_span_context())
    return found


def note(record: object, name: str, value: str | float) -> None:
    """On the record's span, where it has one."""
    if (span := SPANS.get().get(id(record))) is not None:
        span.set_attribute(name, value)
