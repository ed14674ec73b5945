"""The collector's file: what it looks for in spans is spelled as we spell it, spans are measured before they are sampled, and exemplars survive."""

import re
from typing import Any

import yaml

from counterfoil.contracts import TOPICS
from counterfoil_server.runtime.telemetry import export, names, said
from tests.deploy.composed import ROOT

FILE, SCRAPING = ROOT / "deploy/otel/collector.yaml", ROOT / "deploy/prometheus/prometheus.yaml"
FOUND: Any = yaml.safe_load(FILE.read_text())
MEASURED = FOUND["connectors"]["span_metrics"]
POLICIES = {one["name"]: one for one in FOUND["processors"]["tail_sampling"]["policies"]}
ATTRIBUTES = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}
BUILT = yaml.safe_load((ROOT / "tests/containers/collector.yaml").read_text())
"""What the collector of make test-deploy is built of."""


def strings(policy: Any) -> Any:
    return policy["string_attribute"]


def test_each_component_is_one_that_the_tests_collector_has():
    built = {re.sub(r"(receiver|processor|connector|exporter)$", "", one["gomod"].split()[0].rpartition("/")[2])
             for kind in ("receivers", "processors", "connectors", "exporters") for one in BUILT[kind]}  # fmt: skip
    used = {name.partition("/")[0].replace("_", "") for kind in ("receivers", "processors", "connectors", "exporters") for name in FOUND[kind]}

    assert used == built


def test_spans_are_measured_before_they_are_sampled():
    pipelines = FOUND["service"]["pipelines"]
    measuring = [one for one in pipelines.values() if "span_metrics" in one["exporters"]]

    assert [one["processors"] for one in measuring] == [["memory_limiter"]]
    assert [name for name, one in pipelines.items() if "tail_sampling" in one["processors"]] == ["traces"]
    assert "span_metrics" in pipelines["metrics"]["receivers"]


def test_seconds_are_measured_by_what_we_call_our_attributes():
    assert MEASURED["histogram"]["unit"] == "s"
    assert {one["name"] for one in MEASURED["dimensions"]} == {names.CONNECTOR, names.DECISION, names.CODE, names.DESTINATION}
    assert MEASURED["aggregation_cardinality_limit"] > 0, "a caller can invent names of connectors"


def test_exemplars_are_kept_until_they_are_scraped():
    assert MEASURED["exemplars"] == {"enabled": True}
    assert FOUND["exporters"]["prometheus"]["enable_open_metrics"] is True
    assert MEASURED["metrics_flush_interval"] == yaml.safe_load(SCRAPING.read_text())["global"]["scrape_interval"] == f"{export.EVERY // 1000}s"


def test_what_is_looked_for_in_traces_is_said_in_traces():
    asked = [strings(one) for one in POLICIES.values() if one["type"] == "string_attribute"]

    assert {one["key"] for one in asked} <= ATTRIBUTES
    assert set(strings(POLICIES["what was denied or refused"])["values"]) == {said.DENY, said.REFUSE}
    assert POLICIES["what went wrong"]["status_code"]["status_codes"] == ["ERROR"]
    assert POLICIES["what was slow"]["latency"]["threshold_ms"] == 1000
    assert POLICIES["some of the rest"]["probabilistic"]["sampling_percentage"] == 5


def test_every_topic_of_revocation_is_one_and_no_other():
    policy = strings(POLICIES["every revocation"])
    (pattern,) = policy["values"]

    assert policy["enabled_regex_matching"] is True
    assert {str(topic) for topic in TOPICS if re.search(pattern, str(topic))} == {
        str(topic) for topic in TOPICS if topic.name.startswith("revocation.")
    }


def test_prometheus_finds_the_collector_and_takes_the_names_that_come_with_the_metrics():
    scraping = yaml.safe_load(SCRAPING.read_text())
    (job,) = scraping["scrape_configs"]
    port = FOUND["exporters"]["prometheus"]["endpoint"].rpartition(":")[2]

    assert job["honor_labels"] is True
    assert job["static_configs"] == [{"targets": [f"collector:{port}"]}]
    assert scraping["rule_files"] == ["rules.yaml"]
    assert scraping["storage"]["exemplars"]["max_exemplars"] > 0
