"""What is asked of issuers and providers: always timed, and a CLIENT span where it is done for a sampled exchange."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode

from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.instruments import Gauge, histogram, meter

BROKEN: Final = 500
"""From here a status is the server's failure. Below it is an answer: what it means is the asker's affair."""
LEFT: Final = "x-ratelimit-remaining"
FORGOTTEN: Final = 3600.0
"""Seconds after which nobody believes what a provider said of its quota."""


OUTCOMES: Final = {"Refused": "refused", "Irrevocable": "refused", "Unavailable": "unavailable"}
"""By the class of what a provider raises (services/providers/seam.py). After anything else nobody knows what it did."""


@dataclass(slots=True)
class Act:
    """One act of a provider. `requests`: how many it made by HTTP, each with a span of its own."""

    provider: str
    connector: str
    requests: int = 0
    outcome: str = "done"


ACT: ContextVar[Act | None] = ContextVar("act", default=None)
QUIET: ContextVar[bool] = ContextVar("quiet", default=False)
_TRACER = trace.get_tracer("counterfoil", schema_url=names.SCHEMA_URL)
_REQUESTS = histogram(meter(), names.HTTP_DURATION)
_ACTS = histogram(meter(), names.PROVIDER_DURATION)
_QUOTA = Gauge(meter(), names.QUOTA)
_left: dict[tuple[str, str], tuple[int, float]] = {}


def _span(name: str, attributes: Mapping[str, str | int], start: int | None = None) -> Span:
    """Below the current one, or none: a call of an unsampled exchange must not begin a trace."""
    if not trace.get_current_span().is_recording():
        return INVALID_SPAN
    return _TRACER.start_span(name, kind=SpanKind.CLIENT, attributes=attributes, start_time=start)


@contextmanager
def request(method: str, host: str, port: int) -> Iterator[Callable[[int], None]]:
    """Around one request. Call what it gives with the status of the answer."""
    where: dict[str, str | int] = {names.METHOD: method, names.SERVER: host, names.PORT: port}
    act = ACT.get()
    labels: dict[str, str | int] = where | ({names.BY_PROVIDER: act.provider} if act else {})
    if act:
        act.requests += 1
    span = INVALID_SPAN if QUIET.get() else _span(f"{method} {host}", where)
    started = time.perf_counter()

    def heard(status: int) -> None:
        labels[names.STATUS] = status
        span.set_attribute(names.STATUS, status)
        if status >= BROKEN:
            _failed(span, labels, str(status))

    try:
        with trace.use_span(span, record_exception=False, set_status_on_exception=False) if span.is_recording() else _nothing():
            yield heard
    except BaseException as error:
        _failed(span, labels, said(error))
        raise
    finally:
        context = trace.set_span_in_context(span) if span.is_recording() else None
        _REQUESTS.record(time.perf_counter() - started, labels, context)
        span.end()


@contextmanager
def asked(name: str) -> Iterator[None]:
    """One span for what takes several requests, such as a discovery document and the keys it leads to."""
    span, quiet = _span(name, {}), QUIET.set(True)
    try:
        with trace.use_span(span, record_exception=False, set_status_on_exception=False) if span.is_recording() else _nothing():
            yield
    except BaseException as error:
        _failed(span, {}, said(error))
        raise
    finally:
        QUIET.reset(quiet)
        span.end()


@contextmanager
def act(connector: str, phase: str) -> Iterator[Act]:
    """Around what a provider does. One that speaks no HTTP has one span for all of it."""
    made = Act(connector.partition("/")[0], connector)
    token, started, at = ACT.set(made), time.perf_counter(), time.time_ns()
    try:
        yield made
    except BaseException as error:
        made.outcome = OUTCOMES.get(type(error).__name__, "unknown")
        raise
    finally:
        ACT.reset(token)
        span = INVALID_SPAN if made.requests else _span(f"{phase} {made.provider}", {names.CONNECTOR: connector}, at)
        span.set_attribute(names.OUTCOME, made.outcome)
        span.end()
        labels = {names.BY_PROVIDER: made.provider, names.BY_PHASE: phase, names.BY_OUTCOME: made.outcome}
        _ACTS.record(time.perf_counter() - started, labels)


def quota(headers: Mapping[str, str]) -> None:
    """What the answer says of the requests that are left. No provider is told of twice under one connector."""
    said, doing = headers.get(LEFT, ""), ACT.get()
    if doing is None or not (said.isascii() and said.isdigit() and len(said) < 10):
        return
    now = time.monotonic()
    _left[doing.provider, doing.connector] = int(said), now
    for key in [key for key, (_, at) in _left.items() if now - at > FORGOTTEN]:
        del _left[key]
    _QUOTA.show(*((number, {names.BY_PROVIDER: of, names.BY_CONNECTOR: connector}) for (of, connector), (number, _) in _left.items()))


def said(error: BaseException) -> str:
    """Inside of `asyncio.timeout` a timeout is still a cancellation."""
    return "timeout" if isinstance(error, asyncio.CancelledError | TimeoutError) else str(getattr(error, "code", type(error).__name__))


def _failed(span: Span, labels: dict[str, str | int], error: str) -> None:
    labels[names.ERROR] = error
    span.set_attribute(names.ERROR, error)
    span.set_status(StatusCode.ERROR)


@contextmanager
def _nothing() -> Iterator[None]:
    yield
