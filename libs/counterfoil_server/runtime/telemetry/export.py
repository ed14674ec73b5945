"""Where traces and metrics go: by OTLP over HTTP when an endpoint is set, else nowhere."""

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from counterfoil_server.runtime.telemetry import names


def install(service: str, replica: str, endpoint: str | None, sampled: float) -> None:
    """Once per process. `sampled` is the share of traces that begin here; those that came in keep their caller's choice."""
    if endpoint is None:
        return
    # a random service.instance.id would make each restart a new series
    resource = Resource({"service.name": f"counterfoil-{service}", "service.instance.id": f"{service}-{replica}"}, names.SCHEMA_URL)
    tracers = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(sampled)))
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(tracers)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{endpoint.rstrip('/')}/v1/metrics"), export_interval_millis=10_000)
    metrics.set_meter_provider(MeterProvider([reader], resource=resource))


def flush() -> None:
    """Before the process ends."""
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        if hasattr(provider, "shutdown"):
            provider.shutdown()
