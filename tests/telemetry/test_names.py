"""The table of metrics: each has a name, a unit, a sentence, labels of the allowed set, and the name that Prometheus will know it by."""

import re

import pytest

from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.metric import Metric
from counterfoil_server.runtime.telemetry.names import METRICS

ALLOWED = {"provider", "connector", "stage", "decision", "reason", "outcome", "phase", "group", "topic"}


def test_no_metric_stands_there_twice():
    assert len({one.name for one in METRICS}) == len({one.prometheus for one in METRICS}) == len(METRICS) > 30


@pytest.mark.parametrize("metric", METRICS, ids=lambda one: one.name)
def test_a_line_of_the_table_is_whole(metric: Metric):
    assert re.fullmatch(r"[a-z]+(\.[a-z_]+)+", metric.name)
    assert metric.says.endswith(".")
    assert metric.unit in {"s", "By"} or re.fullmatch(r"\{[a-z]+\}", metric.unit)
    assert set(metric.labels) <= ALLOWED | names.CONVENTIONAL
    assert list(metric.buckets) == sorted(set(metric.buckets))


def test_the_own_labels_are_those_that_may_be():
    assert names.OWN_LABELS == ALLOWED


@pytest.mark.parametrize(
    ("metric", "prometheus"),
    [
        (Metric("a.b", "s", "histogram", "."), "a_b_seconds"),
        (Metric("a.seconds", "s", "gauge", "."), "a_seconds"),
        (Metric("a.b", "By", "gauge", "."), "a_b_bytes"),
        (Metric("a.b", "{span}", "counter", "."), "a_b_total"),
        (Metric("a.b", "s", "counter", "."), "a_b_seconds_total"),
        (Metric("a.b_c", "{span}", "gauge", "."), "a_b_c"),
    ],
)
def test_how_prometheus_will_call_it(metric: Metric, prometheus: str):
    assert metric.prometheus == prometheus
