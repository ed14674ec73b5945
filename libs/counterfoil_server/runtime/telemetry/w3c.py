"""W3C Trace Context, as it stands in a record's headers: https://www.w3.org/TR/trace-context/"""

from opentelemetry.trace import SpanContext, TraceFlags

UNSAMPLED = frozenset({b"0", b"2", b"4", b"6", b"8", b"a", b"c", b"e"})
"""How the flags of an unsampled trace end: most are, and need not be read any further."""


def parse(traceparent: bytes | None) -> SpanContext | None:
    """Section 3.2: 00-<trace>-<span>-<flags>. Anything else is no context."""
    parts = (traceparent or b"").decode("ascii", "replace").split("-")
    if len(parts) != 4 or (len(parts[0]), len(parts[1]), len(parts[2]), len(parts[3])) != (2, 32, 16, 2):
        return None
    try:
        found = SpanContext(int(parts[1], 16), int(parts[2], 16), is_remote=True, trace_flags=TraceFlags(int(parts[3], 16)))
    except ValueError:
        return None
    return found if found.is_valid else None


def sampled(traceparent: bytes | None) -> SpanContext | None:
    """None for what nobody records."""
    if traceparent is None or traceparent[-1:] in UNSAMPLED:
        return None
    found = parse(traceparent)
    return found if found is not None and found.trace_flags.sampled else None


def write(context: SpanContext) -> bytes:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}".encode()
