"""The deployment files, read by the tools that will read them: a linter, the specification's schema, the real Compose, a real collector."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.containers import programs
from tests.deploy.composed import FILE, OPERATORS, ROOT, services

pytestmark = pytest.mark.deployment
COLLECTOR = ROOT / "deploy" / "otel" / "collector.yaml"


def run(*argv: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    given = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **(env or {})}
    return subprocess.run([str(one) for one in argv], env=given, capture_output=True, text=True, check=False)


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def test_the_dockerfile_lints():
    done = run(tool("hadolint"), "--no-color", ROOT / "deploy/Dockerfile")

    assert done.returncode == 0, done.stdout


def test_the_linter_finds_a_fault(tmp_path: Path):
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN cd /tmp && apt-get install curl\n")

    assert run(tool("hadolint"), tmp_path / "Dockerfile").returncode == 1


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return programs.compose_schema(tmp_path_factory.mktemp("schema"))


def test_compose_yaml_is_what_the_specification_allows(schema: Path):
    done = run(tool("check-jsonschema"), "--schemafile", schema, FILE)

    assert done.returncode == 0, done.stdout


def test_the_schema_refuses_a_typing_error(schema: Path, tmp_path: Path):
    (tmp_path / "compose.yaml").write_text(FILE.read_text().replace("cap_drop:", "cap_drops:"))

    assert run(tool("check-jsonschema"), "--schemafile", schema, tmp_path / "compose.yaml").returncode == 1


@pytest.fixture(scope="module")
def compose() -> Path:
    return programs.compose()


def test_compose_reads_it(compose: Path):
    done = run(compose, "-f", FILE, "config", env=dict(OPERATORS))

    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) == {name for name, found in services().items() if "profiles" not in found}


@pytest.mark.parametrize("name", OPERATORS)
def test_compose_refuses_to_go_on_without_what_only_the_operator_knows(compose: Path, name: str):
    done = run(compose, "-f", FILE, "config", "-q", env={key: value for key, value in OPERATORS.items() if key != name})

    assert done.returncode != 0
    assert name in done.stderr


def test_compose_refuses_a_network_that_is_not_there(compose: Path, tmp_path: Path):
    (tmp_path / "compose.yaml").write_text(FILE.read_text().replace("  store: {internal: true}\n", ""))

    assert "undefined network" in run(compose, "-f", tmp_path / "compose.yaml", "config", "-q", env=dict(OPERATORS)).stderr


@pytest.fixture(scope="module")
def collector() -> Path:
    return programs.collector()


def validated(collector: Path, file: Path) -> subprocess.CompletedProcess[str]:
    return run(collector, "validate", f"--config={file}", env={"OTLP_ENDPOINT": OPERATORS["OTLP_ENDPOINT"]})


def test_a_real_collector_takes_its_configuration(collector: Path):
    done = validated(collector, COLLECTOR)

    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr


def test_a_real_collector_refuses_a_typing_error(collector: Path, tmp_path: Path):
    (tmp_path / "collector.yaml").write_text(COLLECTOR.read_text().replace("limit_percentage: 75", "limit_percent: 75"))

    assert validated(collector, tmp_path / "collector.yaml").returncode != 0
