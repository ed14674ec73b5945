"""Grafana's boards: laid out without overlap, bound to no data source, and asking for what is measured, all of it and nothing else."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from counterfoil_server.runtime.telemetry.names import METRICS
from deploy.boards.board import COLUMNS, board, laid
from deploy.boards.every import WHERE, boards
from deploy.boards.panel import words
from tests.deploy.composed import ROOT
from tests.deploy.promql import ALERTS, SERIES, carried, labels, metrics, named
from tests.docs.pages import commands
from tests.docs.test_docs import leaf_command

BOARDS = {path: json.loads((ROOT / path).read_text()) for path in sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / WHERE).glob("*.json"))}
RECORDED = {rule["record"] for group in yaml.safe_load((ROOT / "deploy/prometheus/rules.yaml").read_text())["groups"] for rule in group["rules"]
            if "record" in rule}  # fmt: skip
every_board = pytest.mark.parametrize("found", BOARDS.values(), ids=[Path(path).stem for path in BOARDS])
SHOWN = {"s": "s", "By": "bytes"}
COUNTED = re.compile(r"rate\(\w+_(?:count|total)\b|deriv\(|increase\(|^count ")
"""How many there are, whatever is measured of each."""
ROWS = ("now", "stages", "decisions", "providers", "revocation", "audit", "self")
UNITS = {"s", "bytes", "ops", "percentunit", "short", "none"}


def targets(found: Any) -> Iterator[Any]:
    return (target for panel in found["panels"] for target in panel.get("targets", []))


def overlap(one: Any, other: Any) -> bool:
    return bool(one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
                and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"])  # fmt: skip


def sources(node: Any) -> Iterator[Any]:
    """Every `datasource`, wherever it stands."""
    for name, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if name == "datasource":
            yield inner
        yield from sources(inner)


def test_each_row_of_what_is_to_be_seen_has_its_board_and_no_other_lies_there():
    assert set(BOARDS) == set(boards()) == {f"{WHERE}/{name}.json" for name in ROWS}


def test_boards_are_told_apart():
    assert len({found["uid"] for found in BOARDS.values()}) == len({found["title"] for found in BOARDS.values()}) == len(BOARDS)


@every_board
def test_panels_are_numbered_and_lie_beside_each_other(found: Any):
    places = [panel["gridPos"] for panel in found["panels"]]

    assert len({panel["id"] for panel in found["panels"]}) == len(places) > 0
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= COLUMNS and place["h"] > 0 for place in places)
    assert [(one, other) for one, other in combinations(places, 2) if overlap(one, other)] == []


def test_an_overlap_would_be_seen():
    assert overlap({"x": 0, "y": 0, "w": 12, "h": 8}, {"x": 11, "y": 7, "w": 12, "h": 8})
    assert not overlap({"x": 0, "y": 0, "w": 12, "h": 8}, {"x": 12, "y": 0, "w": 12, "h": 8})


def test_what_does_not_fit_begins_below_the_highest():
    places = [one["gridPos"] for one in laid([words("", "", width=16, height=4), words("", "", width=8, height=9), words("", "", width=2)])]

    assert [(place["x"], place["y"]) for place in places] == [(0, 0), (16, 0), (0, 9)]


@every_board
def test_no_data_source_is_bound_but_by_the_variable(found: Any):
    bound = list(sources(found))

    assert bound
    assert {one["uid"] for one in bound} == {"${ds}"}
    assert [one["type"] for one in found["templating"]["list"] if one["name"] == "ds"] == ["datasource"]


@every_board
def test_a_trace_is_a_link_away_wherever_traces_are_kept(found: Any):
    variables = {one["name"] for one in found["templating"]["list"]}
    used = set(re.findall(r"\$\{(\w+)\}", json.dumps(found)))

    assert "${TRACE_URL}${trace_id}" in {link.get("url") for link in found["links"]}
    assert used == variables == {"ds", "TRACE_URL", "trace_id"}


@every_board
def test_each_expression_parses_and_names_what_is_measured(found: Any):
    for target in targets(found):
        unknown = named(target["expr"]) - SERIES.keys() - RECORDED - {ALERTS}
        assert unknown == set(), target["expr"]
        assert named(target["expr"])


@every_board
def test_each_expression_speaks_of_labels_that_its_metrics_have(found: Any):
    for target in targets(found):
        assert labels(target["expr"]) <= carried(target["expr"]), target["expr"]
        if ALERTS not in target["expr"]:
            told = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert told <= labels(target["expr"]), f"{target['legendFormat']}: it is not grouped by that"


def test_every_metric_is_shown_by_some_board():
    shown = {metric for found in BOARDS.values() for target in targets(found) for metric in metrics(target["expr"])}

    assert [metric.name for metric in METRICS if metric not in shown] == []


@every_board
def test_histograms_show_exemplars_wherever_a_course_is_drawn(found: Any):
    for target in targets(found):
        assert target["exemplar"] is ("_bucket" in target["expr"])


@every_board
def test_a_panel_says_what_it_shows_in_a_unit_and_two_asks_have_two_letters(found: Any):
    for panel in (one for one in found["panels"] if one["type"] != "text"):
        letters = [target["refId"] for target in panel["targets"]]
        limits = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]

        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert len(set(letters)) == len(letters) > 0
        assert limits[0] is None
        assert limits[1:] == sorted(limits[1:])


@every_board
def test_what_is_measured_in_seconds_or_bytes_is_shown_so(found: Any):
    for panel in (one for one in found["panels"] if one["type"] != "text"):
        for target in (one for one in panel["targets"] if not COUNTED.search(one["expr"])):
            for unit in {metric.unit for metric in metrics(target["expr"])} & SHOWN.keys():
                assert panel["fieldConfig"]["defaults"]["unit"] == SHOWN[unit], panel["title"]


def test_the_commands_that_boards_name_can_be_called():
    texts = [panel["options"]["content"] for found in BOARDS.values() for panel in found["panels"] if panel["type"] == "text"]
    called = [given for text in texts for given in commands(text)]

    assert len(called) > 4
    for given in called:
        command, rest = leaf_command(given)
        command.make_context(" ".join(given), rest)


def test_a_board_is_named_as_its_file():
    assert board("x", "y", "z")["uid"] == "counterfoil-x"
    assert all(found["uid"] == f"counterfoil-{Path(path).stem}" for path, found in BOARDS.items())


def test_grafana_is_told_where_boards_lie_and_how_an_exemplar_becomes_a_link():
    provisioning = ROOT / WHERE / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/counterfoil.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((provisioning / "dashboards/counterfoil.yaml").read_text())["providers"]
    (leads,) = source["jsonData"]["exemplarTraceIdDestinations"]
    told = (ROOT / "docs/operate/observe.md").read_text()

    assert leads["name"] == "trace_id"
    assert leads["url"] == "$TRACE_URL$${__value.raw}", "one dollar is Grafana's environment, two are a dollar"
    assert all(text in told for text in ("TRACE_URL=", "PROMETHEUS_URL=", f"`{provider['options']['path']}`"))
