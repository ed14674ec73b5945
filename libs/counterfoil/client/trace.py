"""W3C Trace Context on the way out. With OpenTelemetry in the process its spans lead; without it the trace starts here, with random ids.

https://www.w3.org/TR/trace-context/
"""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SEND = "send exchange.requested"
OUTCOMES = {"Rejected": "rejected", "Denied": "denied", "ConsentRequired": "denied", "Refused": "refused", "Revoked": "revoked"}
"""By the class of the error, as the gateway's span has them; whatever else is raised, no answer came."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The headers that go along. `trace_id` is what an error names."""

    traceparent: str
    tracestate: str | None = None

    @property
    def trace_id(self) -> str:
        return self.traceparent.split("-")[1]

    def texts(self) -> dict[str, str]:
        return {"traceparent": self.traceparent} | ({"tracestate": self.tracestate} if self.tracestate else {})

    def headers(self) -> tuple[tuple[str, bytes], ...]:
        """Of a record, under a `send` span of its own where this trace is the application's."""
        texts = self.texts()
        if "opentelemetry.trace" in sys.modules:
            from opentelemetry import propagate, trace  # noqa: PLC0415

            ours = trace.get_current_span().get_span_context()
            if f"{ours.trace_id:032x}" == self.trace_id:
                attributes = {"messaging.system": "kafka", "messaging.operation.name": "send", "messaging.operation.type": "send"}
                with trace.get_tracer("counterfoil").start_as_current_span(SEND, kind=trace.SpanKind.PRODUCER, attributes=attributes):
                    propagate.inject(texts)
        return tuple((name, text.encode()) for name, text in texts.items())


def root(sampled: bool) -> Trace:
    return Trace(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{'01' if sampled else '00'}")


@contextmanager
def exchange(connector: str, sampled: bool) -> Iterator[Trace]:
    """Around one exchange, retries and all."""
    if "opentelemetry.trace" not in sys.modules:  # an app that traces has imported it; nobody else shall pay for it
        yield root(sampled)
        return
    from opentelemetry import propagate, trace  # noqa: PLC0415

    tracer, client = trace.get_tracer("counterfoil"), trace.SpanKind.CLIENT
    # A no is no error of the trace.
    with tracer.start_as_current_span(f"exchange {connector}", kind=client, set_status_on_exception=False, record_exception=False) as span:
        span.set_attribute("counterfoil.connector", connector)
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        found = carrier.get("traceparent")
        try:
            yield Trace(found, carrier.get("tracestate")) if found else root(sampled)
        except Exception as error:
            outcome, code = OUTCOMES.get(type(error).__name__, "unavailable"), getattr(error, "code", None)
            span.set_attributes({"counterfoil.outcome": outcome, **({"counterfoil.reason": str(code)} if code else {})})
            raise
        span.set_attribute("counterfoil.outcome", "granted")
