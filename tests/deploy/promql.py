"""What an expression of PromQL names: metrics, and the labels that it matches or groups by."""

from collections.abc import Iterator
from typing import Any

import promql_parser as promql

from counterfoil_server.runtime.telemetry.metric import Metric, underscored
from counterfoil_server.runtime.telemetry.names import METRICS

SERIES = {series: metric for metric in METRICS for series in metric.series}
ALERTS = "ALERTS"
"""Prometheus's own, of every alert."""
OF_PROMETHEUS = frozenset({"le", "job", "instance", "alertname", "alertstate"})


def nodes(expr: str) -> list[Any]:
    """Fails where it does not parse. Grafana's own word becomes what it may be."""
    found: list[Any] = []
    promql.walk(promql.parse(expr.replace("$__rate_interval", "1m")), found.append)
    return found


def selectors(expr: str) -> list[Any]:
    return [one for one in nodes(expr) if isinstance(one, promql.VectorSelector)]


def named(expr: str) -> set[str]:
    return {str(one.name) for one in selectors(expr)}


def metrics(expr: str) -> set[Metric]:
    return {SERIES[name] for name in named(expr) if name in SERIES}


def labels(expr: str) -> set[str]:
    """Those that are matched, grouped by, or joined on."""
    return {label for one in nodes(expr) for label in spoken(one)}


def spoken(node: Any) -> Iterator[str]:
    if isinstance(node, promql.VectorSelector):
        yield from (one.name for one in node.matchers.matchers)
    if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
        yield from node.modifier.labels
    if isinstance(node, promql.BinaryExpr) and node.modifier is not None and node.modifier.matching is not None:
        yield from node.modifier.matching.labels


def carried(expr: str) -> set[str]:
    """Every label that what it names can have."""
    return {underscored(label) for metric in metrics(expr) for label in metric.labels} | OF_PROMETHEUS
