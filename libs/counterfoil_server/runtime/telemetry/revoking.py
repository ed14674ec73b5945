"""A revocation is a trace of its own: it may come days after the mint that it ends, and is linked to it."""

from collections.abc import Mapping
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind

from counterfoil.contracts.revocation_ordered import RevocationOrdered
from counterfoil_server.runtime.stage import Out
from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.w3c import parse

MINT: Final = "mint-traceparent"
"""The header beside revocation.ordered: the span that minted what is to die, as the ledger kept it."""
BEGIN: Final = frozenset({"revocation.requested", "revocation.ordered"})
"""An order is one trace, and each credential that dies by it another: ten thousand in one could not be read."""


def links(headers: Mapping[str, bytes]) -> list[Link]:
    minted = parse(headers.get(MINT))
    return [] if minted is None else [Link(minted)]


def begun(tracer: trace.Tracer, out: Out, order: Span | None) -> Span:
    """The root, for the sender to end: from when it was ordered to now. Its links: the mint, and the order where there was one."""
    fact = out.fact
    at = getattr(fact, "at", None)
    name = f"revoke {fact.connector}" if isinstance(fact, RevocationOrdered) else "revoke"
    return tracer.start_span(
        name,
        context=Context(),
        kind=SpanKind.INTERNAL,
        links=links(dict(out.headers)) + ([] if order is None else [Link(order.get_span_context())]),
        start_time=None if at is None else int(at.timestamp() * 1e9),
        attributes={names.KIND: str(getattr(fact, "kind", out.topic.name))},
    )
