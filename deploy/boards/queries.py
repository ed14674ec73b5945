"""What panels ask of Prometheus, in its words: each metric by its line of the table, so that no name is spelled here."""

from collections.abc import Mapping

from counterfoil_server.runtime.telemetry.metric import Metric, underscored

INTERVAL = "$__rate_interval"
JOB, INSTANCE = "job", "instance"
"""What becomes of service.name and service.instance.id."""
Where = Mapping[str, str]


def matching(where: Where | None) -> str:
    """`{"outcome": "granted"}`; a value may begin with its operator: `!=`, `=~`, `!~`."""
    parts = [f'{underscored(label)}{operator(value)}"{value.lstrip("!=~")}"' for label, value in (where or {}).items()]
    return "{" + ",".join(parts) + "}" if parts else ""


def operator(value: str) -> str:
    return value[:2] if value[:2] in {"!=", "=~", "!~"} else "="


def grouped(fold: str, by: tuple[str, ...], inner: str) -> str:
    return f"{fold} by ({', '.join(map(underscored, by))}) ({inner})" if by else f"{fold}({inner})"


def rate(metric: Metric, *by: str, where: Where | None = None) -> str:
    """How many a second: of a counter, or of a histogram's records."""
    name = metric.prometheus + ("_count" if metric.kind == "histogram" else "")
    return grouped("sum", by, f"rate({name}{matching(where)}[{INTERVAL}])")


def quantile(share: float, metric: Metric, *by: str, where: Where | None = None) -> str:
    return f"histogram_quantile({share}, {grouped('sum', ('le', *by), f'rate({metric.prometheus}_bucket{matching(where)}[{INTERVAL}])')})"


def mean(metric: Metric, *by: str) -> str:
    sums, counts = (grouped("sum", by, f"rate({metric.prometheus}_{part}[{INTERVAL}])") for part in ("sum", "count"))
    return f"{sums} / {counts}"


def told(metric: Metric, *by: str, where: Where | None = None) -> str:
    """A gauge that every replica tells alike: adding them up would count each thing as often as there are replicas."""
    return grouped("max", by, metric.prometheus + matching(where))


def total(metric: Metric, *by: str) -> str:
    """Such a gauge, added up over the labels that are left out."""
    return grouped("sum", by, told(metric, *metric.labels))
