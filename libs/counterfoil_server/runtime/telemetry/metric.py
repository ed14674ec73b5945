"""What a metric is: a line of the table in names.py, of which instruments, dashboards and docs/reference/metrics.md are made."""

import re
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "histogram", "gauge"]

UNITS: Final = {"s": "seconds", "By": "bytes"}
"""As the translation from OTLP to Prometheus writes them; a unit in braces is only for readers, and is left out."""

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""OpenTelemetry's usual boundaries are meant for milliseconds."""


@dataclass(frozen=True, slots=True)
class Metric:
    """`labels`: every attribute that a value of it may carry, and never another."""

    name: str
    unit: str
    kind: Kind
    says: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = SECONDS

    @property
    def prometheus(self) -> str:
        """Its name there. A histogram is three: _bucket, _sum and _count."""
        words = [underscored(self.name)]
        unit = UNITS.get(self.unit, "")
        if unit and unit not in words[0].split("_"):
            words.append(unit)
        return "_".join(words + (["total"] if self.kind == "counter" else []))

    @property
    def series(self) -> tuple[str, ...]:
        """What a query may name."""
        endings = ("_bucket", "_sum", "_count") if self.kind == "histogram" else ("",)
        return tuple(self.prometheus + ending for ending in endings)


def underscored(name: str) -> str:
    """As a label or a metric is called in Prometheus."""
    return re.sub(r"[^a-zA-Z0-9]+", "_", name).strip("_")
