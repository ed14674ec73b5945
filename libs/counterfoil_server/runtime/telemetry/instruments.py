"""Instruments, as the table in names.py describes them."""

from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from types import MappingProxyType

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.metric import Metric

Labels = Mapping[str, str]
Number = int | float


def meter() -> Meter:
    """The process's own; nothing is counted where export.py set no exporter up."""
    return metrics.get_meter("counterfoil", schema_url=names.SCHEMA_URL)


def histogram(of: Meter, metric: Metric) -> Histogram:
    return of.create_histogram(metric.name, metric.unit, metric.says, explicit_bucket_boundaries_advisory=metric.buckets)


class Counter:
    """Adds up by itself and is read when there is an export: the SDK's own takes as long for a count as for a distribution."""

    def __init__(self, of: Meter, metric: Metric) -> None:
        self._totals: dict[frozenset[tuple[str, str]], Number] = {}
        self._lock = Lock()
        of.create_observable_counter(metric.name, [self._observed], metric.unit, metric.says)

    def add(self, more: Number, labels: Labels = MappingProxyType({})) -> None:
        of = frozenset(labels.items())
        with self._lock:
            self._totals[of] = self._totals.get(of, 0) + more

    def _observed(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation(total, dict(of)) for of, total in tuple(self._totals.items())]


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
