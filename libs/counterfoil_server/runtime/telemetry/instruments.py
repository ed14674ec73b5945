"""Instruments, as the table in names.py describes them."""

from collections.abc import Iterable, Mapping, Sequence

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter, Observation

from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.metric import Metric

Labels = Mapping[str, str]
Number = int | float


def meter() -> Meter:
    """The process's own; nothing is counted where export.py set no exporter up."""
    return metrics.get_meter("counterfoil", schema_url=names.SCHEMA_URL)


def histogram(of: Meter, metric: Metric) -> Histogram:
    return of.create_histogram(metric.name, metric.unit, metric.says, explicit_bucket_boundaries_advisory=metric.buckets)


def counter(of: Meter, metric: Metric) -> Counter:
    return of.create_counter(metric.name, metric.unit, metric.says)


class Gauge:
    """Shows what was found out last. That happens in the process's own loop: the exporter's thread, which reads it, must wait for nothing."""

    def __init__(self, of: Meter, metric: Metric) -> None:
        self._shown: Sequence[Observation] = ()
        of.create_observable_gauge(metric.name, [self._observed], metric.unit, metric.says)

    def show(self, *values: tuple[Number, Labels]) -> None:
        """All of it, each time: what is no longer named is no longer shown."""
        self._shown = [Observation(value, dict(labels)) for value, labels in values]

    def _observed(self, _: CallbackOptions) -> Iterable[Observation]:
        return self._shown
