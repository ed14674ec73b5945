"""Who runs, and how far behind each stage is, by what the processes told the receiver within the last minute."""

from collections.abc import Sequence
from dataclasses import dataclass

from counterfoil_server.runtime.telemetry import names
from services.console.spans.latest import Latest


@dataclass(frozen=True, slots=True)
class Stage:
    group: str
    topic: str
    lag: int
    age: float
    """Seconds that the oldest record waits which is not taken yet."""


def stages(latest: Latest) -> Sequence[Stage]:
    """The furthest behind first. Of several replicas each tells of its own partitions: messages add up, and the oldest of them counts."""
    lag: dict[tuple[str, str], float] = {}
    age: dict[tuple[str, str], float] = {}
    for series, value in latest.of(names.LAG.name).items():
        lag[of(series.labels)] = lag.get(of(series.labels), 0.0) + value.total
    for series, value in latest.of(names.LAG_AGE.name).items():
        age[of(series.labels)] = max(age.get(of(series.labels), 0.0), value.total)
    found = [Stage(*key, int(total), age.get(key, 0.0)) for key, total in lag.items()]
    return sorted(found, key=lambda one: (-one.lag, one.group, one.topic))


def of(labels: Sequence[tuple[str, str]]) -> tuple[str, str]:
    told = dict(labels)
    return told.get(names.BY_GROUP, ""), told.get(names.BY_TOPIC, "")
