"""The last value of each series that was sent: enough for a page that says how things are now. Bounded; nothing of it is stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.telemetry import names
from services.console.spans.decoding import plain

MOST, MOST_POINTS = 20_000, 20_000
STALE = 60.0
KINDS = ("gauge", "sum", "histogram", "exponential_histogram")
PLAIN = ("string_value", "int_value", "bool_value", "double_value")


class Series(NamedTuple):
    service: str
    instance: str
    metric: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Value:
    """`count` and `total` are a histogram's; of the rest `total` is the value."""

    at: float
    total: float
    count: int = 1


class Latest:
    def __init__(self, now: Clock) -> None:
        self._now = now
        self._values: dict[Series, Value] = {}

    def take(self, request: Any) -> None:
        """Series that nobody sends any more make room for others."""
        at = self._now().timestamp()
        for series, value in islice(each(request, at), MOST_POINTS):
            if series in self._values or len(self._values) < MOST:
                self._values[series] = value
        if len(self._values) >= MOST:
            self._values = {series: value for series, value in self._values.items() if at - value.at < STALE}

    def of(self, metric: str) -> Mapping[Series, Value]:
        """Those that were sent within the last minute."""
        now = self._now().timestamp()
        return {series: value for series, value in self._values.items() if series.metric == metric and now - value.at < STALE}

    def instances(self) -> Sequence[tuple[str, str]]:
        """Service and replica of whoever sent something within the last minute."""
        now = self._now().timestamp()
        return sorted({(series.service, series.instance) for series, value in self._values.items() if now - value.at < STALE})


def each(request: Any, at: float) -> Iterator[tuple[Series, Value]]:
    known = {metric.name for metric in names.METRICS}
    for resource in request.resource_metrics:
        said = {one.key: plain(one.value.string_value) for one in resource.resource.attributes}
        service, instance = said.get("service.name", "").removeprefix("counterfoil-"), said.get("service.instance.id", "")
        for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics if metric.name in known):
            kind = metric.WhichOneof("data")
            for point in getattr(metric, kind).data_points if kind in KINDS else ():
                if (value := measured(point, at)) is not None:
                    yield Series(service, instance, metric.name, tuple(sorted(map(label, point.attributes)))), value


def label(one: Any) -> tuple[str, str]:
    kind = one.value.WhichOneof("value")
    return one.key, plain(str(getattr(one.value, kind))) if kind in PLAIN else ""


def measured(point: Any, at: float) -> Value | None:
    """None where it says nothing."""
    if hasattr(point, "count"):
        return Value(at, point.sum, point.count)
    kind = point.WhichOneof("value")
    return Value(at, float(getattr(point, kind))) if kind else None
