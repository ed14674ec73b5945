"""What the deployment files say of each other: settings that exist, secrets that are made, folders that are there, a collector that is whole."""

import re
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from counterfoil_server.runtime.settings import Settings
from deploy.acls import OPS
from services.gateway.own_settings import OwnSettings
from services.ops.database import ROLES
from services.ops.setup import Wanted
from tests.architecture.test_settings import PAGE, documented
from tests.deploy.composed import FILE, PROCESSES, ROOT, SETTING, VARIABLE, composed, environment, service, services
from tests.docs.pages import rows, section

DOCKERFILE, COLLECTOR, INSTALL = ROOT / "deploy/Dockerfile", ROOT / "deploy/otel/collector.yaml", ROOT / "docs/operate/install.md"
KAFKA = sorted(path for path in (ROOT / "deploy/kafka").iterdir() if path.suffix in (".sh", ".properties"))
NAMED = (FILE, DOCKERFILE, COLLECTOR, INSTALL, ROOT / "deploy/healthy", ROOT / "deploy/secrets.sh", *KAFKA)
PRODUCTION = ("Every service", "The gateway", "Setting up")
"""Sections of the page of settings, which a test holds against the code."""


@pytest.mark.parametrize("file", NAMED, ids=lambda file: file.name)
def test_every_setting_that_is_named_exists_in_the_code(file: Path):
    known = {name for names in documented(PAGE.read_text()).values() for name in names}

    assert set(SETTING.findall(file.read_text())) <= known


def test_every_setting_of_a_service_is_set_by_compose_or_the_page_says_why_not():
    known = {name for title in PRODUCTION for name in documented(PAGE.read_text())[title]}
    given = {name for found in services().values() for name in found.get("environment", {})}
    left = {SETTING.findall(row[0])[0]: row[1] for row in rows(section(INSTALL, "## Settings that compose.yaml leaves alone"))}

    assert known - given == set(left)
    assert all(left.values())


def test_the_page_lists_what_compose_can_be_told():
    told = {row[0].strip("`"): row[1].strip("`") for row in rows(section(INSTALL, "## What compose.yaml can be told"))}
    found = {name: "must be set" if how == "?" else usual for name, how, usual in VARIABLE.findall(FILE.read_text())}

    assert told == found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What deploy/secrets.sh makes."""
    folder = tmp_path_factory.mktemp("made") / "secrets"
    subprocess.run(["/bin/sh", str(ROOT / "deploy/secrets.sh"), str(folder)], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_takes_the_environment_that_it_is_given(name: str, made: Path):
    found = Settings.read(environment(name, made))

    assert found.kafka.username == f"counterfoil-{name}"
    assert found.kafka.password is not None
    assert found.kafka.password.text() == (made / f"kafka_{name}").read_text()
    assert found.database.text().startswith(f"postgresql://counterfoil_{name}:")
    assert not found.development


def test_the_gateway_and_setup_take_theirs(made: Path):
    gateway, setup = environment("gateway", made), Wanted.read(environment("setup", made))

    assert OwnSettings.read(gateway, Settings.read(gateway)).first_admin == ("https://issuer.example.org", "ada")
    assert setup.kafka.username == f"counterfoil-{OPS}"
    assert setup.owner.text().startswith("postgresql://counterfoil:")
    assert {role: password.text() for role, password in setup.passwords.items()} == {
        role: re.findall(r":([0-9a-f]{48})@", (made / f"database_{role}").read_text())[0] for role in ROLES
    }


def test_a_process_is_told_nothing_that_it_does_not_read():
    page = documented(PAGE.read_text())
    reads = dict.fromkeys(PROCESSES, page["Every service"])
    reads |= {name: page["Every service"] | page[title] for name, title in (("gateway", "The gateway"), ("audit", "Audit"))}

    assert all(set(service(name)["environment"]) <= reads[name] for name in PROCESSES)


def test_the_secrets_script_makes_what_compose_mounts_closed_to_others_and_never_twice(made: Path):
    before = {file.name: file.read_text() for file in made.iterdir()}
    again = subprocess.run(["/bin/sh", str(ROOT / "deploy/secrets.sh"), str(made)], check=True, capture_output=True, text=True)

    assert set(before) == set(composed()["secrets"])
    assert again.stdout == ""
    assert before == {file.name: file.read_text() for file in made.iterdir()}
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in made.iterdir()} == {0o444}
    passwords = [text for name, text in before.items() if name.startswith("kafka_") or name == "postgres"]
    assert len(set(passwords)) == len(passwords)
    assert {len(text) for text in passwords} == {48}


def test_secrets_are_kept_out_of_git_and_of_the_image():
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert (ROOT / ".dockerignore").read_text().startswith("*\n")


def test_the_image_runs_as_whom_compose_says_and_has_each_folder_of_keys():
    text = DOCKERFILE.read_text()

    assert f"USER {service('gateway')['user']}" in text
    assert set(re.findall(r"/keys/(\w+)", text)) == set(PROCESSES)
    assert {"ARG BASE=python:3.11-slim-bookworm", "ARG SERVICE"} <= set(text.splitlines())
    assert "--require-hashes" in text


def pipelines() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(COLLECTOR.read_text())
    return found


def test_the_collector_uses_what_it_defines_and_defines_what_it_uses():
    found = pipelines()
    used = {
        kind: {one for line in found["service"]["pipelines"].values() for one in line.get(kind, [])}
        for kind in ("receivers", "processors", "exporters")
    }
    both = set(found["connectors"])

    assert used["receivers"] - both == set(found["receivers"])
    assert used["exporters"] - both == set(found["exporters"])
    assert used["processors"] == set(found["processors"])
    assert both <= used["receivers"] & used["exporters"]


def test_the_collector_bounds_its_memory_first_and_batches_last():
    for line in pipelines()["service"]["pipelines"].values():
        assert line["processors"][0] == "memory_limiter"
        assert "batch" not in line["processors"][:-1]


def test_the_collector_listens_where_services_send_and_writes_what_scrapes_find():
    port = pipelines()["receivers"]["otlp"]["protocols"]["http"]["endpoint"].rpartition(":")[2]

    assert {service(name)["environment"]["COUNTERFOIL_OTLP"] for name in PROCESSES} == {f"http://collector:{port}"}
    assert set(re.findall(r"\$\{env:(\w+)\}", COLLECTOR.read_text())) == set(service("collector")["environment"])
