"""OTLP requests as services send them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from counterfoil_server.runtime.telemetry import names
from services.console.spans import decoding
from services.console.spans.decoding import Row


def spans(at: datetime, *named: str, trace: bytes = b"t" * 16, request_id: UUID | None = None, more: Mapping[str, str] | None = None) -> bytes:
    """Each below the one before, 10 ms later and 5 ms long."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "counterfoil-verifier"
    scope = resource.scope_spans.add()
    for place, name in enumerate(named):
        begun = int(at.timestamp() * 1e9) + place * 10_000_000
        span = scope.spans.add(trace_id=trace, span_id=bytes([place + 1]) * 8, name=name, kind=5)
        span.start_time_unix_nano, span.end_time_unix_nano = begun, begun + 5_000_000
        span.parent_span_id = bytes([place]) * 8 if place else b""
        if request_id is not None:
            span.attributes.add(key=names.CONVERSATION).value.string_value = str(request_id)
        span.attributes.add(key=names.QUEUE_SECONDS).value.double_value = 0.004
        for key, value in (more or {}).items():
            span.attributes.add(key=key).value.string_value = value
    return bytes(request.SerializeToString())


def gauge(metric: str, value: float, service: str = "counterfoil-policy", **labels: str) -> bytes:
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.add(key="service.name").value.string_value = service
    resource.resource.attributes.add(key="service.instance.id").value.string_value = "policy-0"
    point = resource.scope_metrics.add().metrics.add(name=metric).gauge.data_points.add(as_double=value)
    for key, text in labels.items():
        point.attributes.add(key=key).value.string_value = text
    return bytes(request.SerializeToString())


def rows(body: bytes) -> list[Row]:
    """Of those spans that have an id."""
    return [row for row in decoding.rows(decoding.message(body)) if row is not None]


def pair(key: str, value: object) -> KeyValue:
    kind = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}[type(value)]
    given: dict[str, Any] = {kind: value}
    return KeyValue(key=key, value=AnyValue(**given))


def span(at: datetime, attributes: Mapping[str, object] | None = None, seconds: float = 0.01, **members: Any) -> Span:
    first = int(at.timestamp() * 1_000_000) * 1000
    usual: dict[str, Any] = {
        "trace_id": uuid4().bytes, "span_id": uuid4().bytes[:8], "name": "process exchange.requested", "kind": Span.SPAN_KIND_CONSUMER,
        "start_time_unix_nano": first, "end_time_unix_nano": first + int(seconds * 1e9),
        "attributes": [pair(key, value) for key, value in (attributes or {}).items()],
    }  # fmt: skip
    return Span(**(usual | members))


def traces(spans: Sequence[Span], service: str = "counterfoil-verifier") -> bytes:
    found = ExportTraceServiceRequest()
    resource = found.resource_spans.add(resource=Resource(attributes=[pair("service.name", service)]))
    resource.scope_spans.add(spans=spans)
    return bytes(found.SerializeToString())


def metrics(given: Sequence[Metric], service: str = "counterfoil-mint", instance: str = "mint-0") -> bytes:
    found = ExportMetricsServiceRequest()
    attributes = [pair("service.name", service), pair("service.instance.id", instance)]
    resource = found.resource_metrics.add(resource=Resource(attributes=attributes))
    resource.scope_metrics.add(metrics=given)
    return bytes(found.SerializeToString())
