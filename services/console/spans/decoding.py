"""OTLP bodies -> rows. Whatever is not on the list of our own names is left out: a sender's mistake must not put a secret into a table.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from counterfoil_server.runtime.telemetry import names

LARGEST = 8 * 1024 * 1024
MOST_SPANS = 20_000
LONGEST = 200
ALLOWED = frozenset(
    value for name, value in vars(names).items() if name.isupper() and isinstance(value, str) and "." in value and "://" not in value
)  # fmt: skip
ERROR = 2
KINDS = range(6)
"""A sender may write any number: one that no column holds would lose the batch it comes in, with the spans of others."""


class Row(NamedTuple):
    """In the order of the table's columns."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes | None
    request_id: UUID | None
    service: str
    name: str
    kind: int
    started: datetime
    seconds: float
    failed: bool
    attributes: dict[str, str | int | float | bool]


class BadBody(ValueError):
    """Says what is wrong with it."""


def inflated(body: bytes, encoding: str) -> bytes:
    """Raises BadBody. Nothing beyond the limit is ever unpacked."""
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise BadBody("Content-Encoding is gzip, or nothing")
    stream = zlib.decompressobj(31)
    try:
        found = stream.decompress(body, LARGEST)
    except zlib.error:
        raise BadBody("the body is no gzip") from None
    if stream.unconsumed_tail or stream.unused_data or not stream.eof:
        raise BadBody(f"the body is cut short, has more behind it, or is more than {LARGEST} bytes once it is unpacked")
    return found


def message(body: bytes) -> ExportTraceServiceRequest:
    """Raises BadBody."""
    try:
        found: ExportTraceServiceRequest = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        raise BadBody("the body is no ExportTraceServiceRequest") from None
    if sum(len(scope.spans) for resource in found.resource_spans for scope in resource.scope_spans) > MOST_SPANS:
        raise BadBody(f"a request has at most {MOST_SPANS} spans")
    return found


def rows(found: ExportTraceServiceRequest) -> Iterator[Row | None]:
    """One for each span, None for one without an id."""
    for resource in found.resource_spans:
        said = next((one.value.string_value for one in resource.resource.attributes if one.key == "service.name"), "")
        service = plain(said).removeprefix("counterfoil-")
        for scope in resource.scope_spans:
            for span in scope.spans:
                named = len(span.trace_id) == 16 and len(span.span_id) == 8 and any(span.trace_id)
                yield row(span, service) if named else None


def row(span: Any, service: str) -> Row:
    attributes = {key: value(one.value) for one in span.attributes if (key := one.key) in ALLOWED}
    started, ended = span.start_time_unix_nano, span.end_time_unix_nano
    seconds = max(0.0, (ended - started) / 1e9)
    at = datetime.fromtimestamp(min(started // 1000, 2**52) / 1e6, UTC)
    return Row(
        span.trace_id, span.span_id, span.parent_span_id if len(span.parent_span_id) == 8 else None, uuid(attributes.get(names.CONVERSATION)),
        service, plain(span.name), span.kind if span.kind in KINDS else 0, at, seconds, span.status.code == ERROR, attributes,
    )  # fmt: skip


def value(found: Any) -> str | int | float | bool:
    if text := found.string_value:  # most are: what else it is costs another look
        return plain(text)
    kind = found.WhichOneof("value")
    if kind in ("int_value", "bool_value"):
        number: int | bool = getattr(found, kind)
        return number
    if kind == "double_value":
        return found.double_value if abs(found.double_value) < 1e300 else 0.0
    return ""


def plain(text: str) -> str:
    """A text of the database holds no NUL."""
    return text if len(text) <= LONGEST and "\0" not in text else text[:LONGEST].replace("\0", "")


def uuid(text: object) -> UUID | None:
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
