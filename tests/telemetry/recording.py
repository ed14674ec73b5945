"""Telemetry into memory: spans as they end, and points of metrics as they stand."""

import time
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from counterfoil.contracts.base import Topic
from counterfoil.wire.envelope import TRACEPARENT, decode
from counterfoil_server.runtime.stage import Received
from counterfoil_server.runtime.telemetry.metric import Metric
from counterfoil_server.runtime.telemetry.spans import Telemetry
from deploy.examples import example

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{PARENT}-01".encode()
UNSAMPLED = f"00-{TRACE}-{PARENT}-00".encode()


class Recording:
    def __init__(self) -> None:
        self.tracers, self._spans, self._reader = TracerProvider(), InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.tracer, self.meter = self.tracers.get_tracer("t"), MeterProvider([self._reader]).get_meter("t")
        self.telemetry = Telemetry("t", self.tracer, self.meter)

    @property
    def spans(self) -> list[Any]:
        return list(self._spans.get_finished_spans())

    def points(self, *metrics: Metric) -> list[Any]:
        """Of all of them in one reading: the next one has no exemplars of before."""
        found = self._reader.get_metrics_data()
        every = [] if found is None else [one for of in found.resource_metrics for scope in of.scope_metrics for one in scope.metrics]
        return [point for metric in metrics for one in every if one.name == metric.name for point in one.data.data_points]

    def values(self, metric: Metric) -> dict[tuple[object, ...], Any]:
        """By the values of its labels in the order of their names."""
        return {tuple(value for _, value in sorted(point.attributes.items())): point.value for point in self.points(metric)}


def record(topic: Topic, kind: str, traceparent: bytes | None = SAMPLED, ago: float = 1.0, **headers: bytes) -> Received:
    """The example of this kind, as it was read from its topic."""
    value = example(topic, kind)
    found = {name.replace("_", "-"): text for name, text in headers.items()} | ({TRACEPARENT: traceparent} if traceparent else {})
    return Received(topic, decode(topic, value, {}), value, found, 0, 7, int((time.time() - ago) * 1000), "")
