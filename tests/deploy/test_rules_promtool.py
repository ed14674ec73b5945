"""Prometheus' rules in the hands of the real promtool: they are taken, and each alert fires when it should and is silent when it should be."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.containers.prometheus import program
from tests.deploy.composed import ROOT

pytestmark = pytest.mark.deployment
FOLDER = ROOT / "deploy/prometheus"


@pytest.fixture(scope="module")
def promtool() -> Path:
    return program("promtool")


def run(*argv: str | Path) -> tuple[int, str]:
    done = subprocess.run([str(one) for one in argv], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_rules_are_taken(promtool: Path):
    code, told = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", FOLDER / "rules.yaml")

    assert code == 0, told


def test_the_scrape_is_taken_with_its_rules(promtool: Path):
    code, told = run(promtool, "check", "config", FOLDER / "prometheus.yaml")

    assert code == 0, told
    assert "rules found" in told


@pytest.mark.parametrize("file", sorted((FOLDER / "tests").glob("*.yaml")), ids=lambda file: file.stem)
def test_alerts_fire_and_are_silent_as_written(promtool: Path, file: Path):
    code, told = run(promtool, "test", "rules", file)

    assert code == 0, told


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("stages", "counterfoil_stage_lag_age_seconds) > 10", "counterfoil_stage_lag_age_seconds) > 40"),
        ("stages", "keep_firing_for: 5m", "keep_firing_for: 1h"),
        ("exchanges", 'outcome="unavailable"', 'outcome=~"denied|unavailable"'),
        ("exchanges", "> 4 * (avg_over_time", "> 400 * (avg_over_time"),
        ("audit", " and max(counterfoil_audit_append_lag_seconds) > 5", ""),
        ("self", "unless count by (job) (counterfoil_process_loop_lag_seconds)", "unless count by (job) (counterfoil_spans_dropped_total)"),
    ],
)  # fmt: skip
def test_a_rule_that_is_changed_shows(promtool: Path, tmp_path: Path, file: str, right: str, wrong: str):
    shutil.copytree(FOLDER, tmp_path / "prometheus")
    rules = tmp_path / "prometheus" / "rules.yaml"
    assert right in rules.read_text()
    rules.write_text(rules.read_text().replace(right, wrong))

    assert run(promtool, "test", "rules", tmp_path / "prometheus" / "tests" / f"{file}.yaml")[0] != 0
