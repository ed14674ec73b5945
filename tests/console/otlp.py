"""OTLP requests as services send them."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from counterfoil_server.runtime.telemetry import names


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
