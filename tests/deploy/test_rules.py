"""Prometheus' rules: what they ask is measured, what they tell is whole, and each alert has its page, which names what is there."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.composed import PARTS, PROCESSES, ROOT
from tests.deploy.promql import ALERTS, OF_PROMETHEUS, SERIES, carried, labels, named
from tests.docs.pages import SOME_ID, blocks, prose, section
from tests.docs.test_docs import leaf_command

FILE, RUNBOOKS = ROOT / "deploy/prometheus/rules.yaml", ROOT / "docs/runbooks"
RULES = [rule for group in yaml.safe_load(FILE.read_text())["groups"] for rule in group["rules"]]
ALARMS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"]: rule["expr"] for rule in RULES if "record" in rule}
PAGES = sorted(page for page in RUNBOOKS.glob("*.md") if page.name != "README.md")
CASES = [case for file in sorted((FILE.parent / "tests").glob("*.yaml")) for case in yaml.safe_load(file.read_text())["tests"]]
HEADINGS = ("What it means", "What to look at", "What to do")
every_alert = pytest.mark.parametrize("name", ALARMS)
every_page = pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])


def page_of(alert: str) -> str:
    """`CounterfoilStageBehind` is told about in stage-behind.md."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", alert.removeprefix("Counterfoil")).lower()


def known(expr: str) -> set[str]:
    """The labels that an expression can have: those of what it names, and of what is recorded under the names that it names."""
    return carried(expr) | {label for name in named(expr) & RECORDED.keys() for label in labels(RECORDED[name])}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_parses_and_asks_for_what_is_measured(rule: Any):
    assert named(rule["expr"])
    assert named(rule["expr"]) - SERIES.keys() - RECORDED.keys() == set()
    assert labels(rule["expr"]) <= known(rule["expr"])


@every_alert
def test_an_alert_says_how_grave_it_is_what_is_the_matter_and_where_more_stands(name: str):
    rule = ALARMS[name]

    assert name.startswith("Counterfoil")
    assert rule["labels"] in ({"severity": "page"}, {"severity": "ticket"})
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["description"].endswith(".")
    assert re.search(r"\$value", rule["annotations"]["description"]) or name in {"CounterfoilProcessSilent", "CounterfoilLogNotVerified"}
    assert rule.get("for") or rule.get("keep_firing_for"), "one sample would be enough to wake somebody, and the next to let him sleep"


@every_alert
def test_an_alert_speaks_of_labels_that_its_expression_leaves(name: str):
    rule = ALARMS[name]
    spoken = {label for text in rule["annotations"].values() for label in re.findall(r"\$labels\.(\w+)", text)}

    assert spoken <= known(rule["expr"]) - (OF_PROMETHEUS - {"job"})


def test_each_alert_has_its_page_and_each_page_its_alert():
    assert {alert: rule["annotations"]["runbook_url"] for alert, rule in ALARMS.items()} == {
        alert: f"docs/runbooks/{page_of(alert)}.md" for alert in ALARMS
    }
    assert {page.stem for page in PAGES} == {page_of(alert) for alert in ALARMS}


@every_page
def test_a_page_says_what_it_means_what_to_look_at_and_what_to_do(page: Path):
    (alert,) = (one for one in ALARMS if page_of(one) == page.stem)

    assert f"`{alert}`, a {ALARMS[alert]['labels']['severity']}." in page.read_text()
    assert re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE) == list(HEADINGS)
    assert all(section(page, f"## {heading}").strip() for heading in HEADINGS)
    assert (ROOT / f"deploy/grafana/{boards(page)[0]}.json").is_file()


def boards(page: Path) -> list[str]:
    return [name.lower() for name in re.findall(r"[Bb]oard \*(\w+)\*", page.read_text())]


def test_the_index_lists_each_with_its_gravity():
    said = re.findall(r"^\| \[.+?\]\((.+?)\.md\) \| (\w+) \|", (RUNBOOKS / "README.md").read_text(), re.MULTILINE)

    assert dict(said) == {page_of(alert): rule["labels"]["severity"] for alert, rule in ALARMS.items()}


@every_page
def test_the_commands_within_a_sentence_can_be_called(page: Path, monkeypatch: pytest.MonkeyPatch):
    """Those in blocks are tried as on every page of the documentation (tests/docs/test_docs.py)."""
    monkeypatch.setenv("COUNTERFOIL_KEYS_ROOT", "keys")  # an operator has exported it
    for text in re.findall(r"`\./counterfoil ([^`]+)`", prose(page).replace("\n", " ")):
        given = [SOME_ID if one.startswith("$") else one for one in shlex.split(text)]
        command, rest = leaf_command(given)
        command.make_context(text, rest)


@every_page
def test_containers_that_are_named_are_there(page: Path):
    for block in blocks(page, "sh"):
        for said in re.findall(r"^docker compose (?:ps|logs(?: --since \w+)?|restart|stop)((?: [a-z]+)*)", block, re.MULTILINE):
            assert set(said.split()) <= {*PROCESSES, *PARTS}


@every_page
def test_what_is_looked_for_in_logs_is_said_there(page: Path):
    code = "".join(file.read_text() for folder in ("libs", "services") for file in sorted((ROOT / folder).rglob("*.py")))
    for text in re.findall(r"(?:grep|-e) '([^']+)'", page.read_text()):
        assert text in code or text == '"level": "error"', text


@every_alert
def test_each_alert_is_tried_firing_and_silent(name: str):
    """promtool runs them, in make test-deploy."""
    tried = [bool(one["exp_alerts"]) for case in CASES for one in case.get("alert_rule_test", []) if one["alertname"] == name]

    assert set(tried) == {True, False}


def test_there_is_no_rule_about_alerts_themselves():
    assert all(ALERTS not in rule["expr"] for rule in RULES)
