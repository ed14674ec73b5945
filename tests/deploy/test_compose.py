"""compose.yaml: every process is there, contained, and has what its work needs and nothing of the others."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from deploy.acls import OPS, processes
from services.dev.town import SERVICES
from services.ops.database import ROLES
from tests.deploy.composed import FILE, ONE_SHOTS, OPTIONAL, PARTS, PROCESSES, ROOT, VARIABLE, composed, secrets, service, services, volumes

EVERY = tuple(services())
OUTSIDE = {"gateway", "verifier", "mint", "revoke", "collector", "console"}
"""Who fetches issuers' keys, calls providers, or hands traces on."""
every_service = pytest.mark.parametrize("name", EVERY)
every_process = pytest.mark.parametrize("name", PROCESSES)
SECRET_WORDS = re.compile(r"PASSWORD|SECRET|TOKEN|DATABASE|DSN|PRIVATE")


def limit(name: str) -> Any:
    return service(name)["deploy"]["resources"]["limits"]


def test_every_service_of_the_town_is_there_and_nobody_else():
    assert set(PROCESSES) == set(SERVICES) == set(processes())
    assert set(EVERY) == {*PROCESSES, *ONE_SHOTS, *PARTS, *OPTIONAL}
    assert {name: service(name)["profiles"] for name in EVERY if "profiles" in service(name)} == {name: [name] for name in OPTIONAL}


@every_process
def test_a_process_is_started_as_make_up_starts_it(name: str):
    assert tuple(service(name)["command"]) == SERVICES[name]


@every_service
def test_a_container_can_change_nothing_but_what_it_is_given(name: str):
    found = service(name)
    uid, gid = str(found["user"]).split(":")

    assert found["read_only"] is True
    assert min(int(uid), int(gid)) > 0
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"} & set(found)
    assert all(mount.startswith(("./deploy/", "keys-", "kafka:", "postgres:", "witness:")) for mount in found.get("volumes", []))
    assert all(mount.endswith(":ro") for mount in found.get("volumes", []) if mount.startswith("./"))


@every_service
def test_a_container_has_limits(name: str):
    assert set(limit(name)) == {"cpus", "memory", "pids"}
    assert service(name)["logging"]["options"]["max-size"]


@every_service
def test_no_secret_stands_in_an_environment(name: str):
    """It is shown to whoever may look at the container. What is named there is a file."""
    for variable, value in service(name).get("environment", {}).items():
        if SECRET_WORDS.search(variable):
            assert variable.endswith("_FILE"), variable
            assert str(value).startswith("/run/secrets/")
        assert not re.search(r"://[^/\s]*:[^/\s]*@", str(value))


def test_no_secret_stands_in_the_file():
    assert all(one["file"].startswith("${SECRETS:-./secrets}/") for one in composed()["secrets"].values())
    assert {name: Path(one["file"]).name for name, one in composed()["secrets"].items()} == {name: name for name in composed()["secrets"]}


@every_process
def test_a_process_has_its_own_secrets_keys_and_name_and_no_others(name: str):
    assert secrets(name) == {"kafka": f"kafka_{name}", "database": f"database_{name}"}
    assert volumes(name) == {f"keys-{name}": "/keys:ro"}
    assert service(name)["environment"]["COUNTERFOIL_KAFKA_USERNAME"] == f"counterfoil-{name}"


def test_a_witness_has_its_memory_and_nothing_of_the_log_that_it_witnesses():
    found = service("witness")

    assert (secrets("witness"), volumes("witness"), found["networks"]) == ({}, {"witness": "/state"}, ["witness"])
    assert found["environment"]["COUNTERFOIL_WITNESS_STATE"] == "/state"
    assert {name for name in EVERY if "witness" in service(name).get("networks", [])} == {"witness", "audit"}
    assert "depends_on" not in found
    assert "install -d -o counterfoil -g counterfoil -m 0700 \\\n        /state " in (ROOT / "deploy/Dockerfile").read_text()


def test_setup_alone_has_all_keys_and_the_owners_way_in_and_it_ends():
    assert volumes("setup") == {f"keys-{name}": f"/keys/{name}" for name in PROCESSES}
    assert secrets("setup") == {"kafka": f"kafka_{OPS}", "database": "database_owner"} | {f"database_{role}": f"database_{role}" for role in ROLES}
    assert all("database_owner" not in secrets(name).values() for name in EVERY if name != "setup")
    assert {service(name)["restart"] for name in ONE_SHOTS} == {"no"}


def test_kafka_is_told_the_password_of_each_principal_that_it_grants_rights():
    assert set(secrets("kafka-setup")) == {f"kafka_{role}" for role in (*processes(), OPS)}
    assert service("kafka-setup")["network_mode"] == "service:kafka"


@every_process
def test_a_process_says_when_it_is_ready_and_waits_until_everything_is(name: str):
    assert service(name)["healthcheck"]["test"] == ["CMD", "/usr/local/bin/healthy"]
    assert service(name)["environment"]["COUNTERFOIL_HEALTH_PORT"]
    assert service(name)["depends_on"] == {"setup": {"condition": "service_completed_successfully"}}
    assert set(service("setup")["depends_on"]) == {"kafka-setup", "postgres"}


def test_readyz_is_what_the_health_check_asks():
    tree = ast.parse((ROOT / "deploy" / "healthy").read_text())

    assert {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)} >= {"/readyz", "COUNTERFOIL_HEALTH_PORT"}


@every_service
def test_only_who_has_business_outside_gets_there(name: str):
    assert ("outside" in service(name).get("networks", [])) == (name in OUTSIDE)


def test_networks_are_closed_but_the_one():
    assert {name for name, found in composed()["networks"].items() if not found.get("internal")} == {"outside"}
    assert {name for name in EVERY if service(name).get("ports")} == {"gateway", "console"}


def test_who_does_not_change_them_publishes_on_this_machine_alone():
    assert service("gateway")["ports"] == ["${PUBLISH:-127.0.0.1:8484}:8484"]
    assert service("console")["ports"] == ["${PUBLISH_CONSOLE:-127.0.0.1:8486}:8486"]


def test_production_is_no_development():
    assert "COUNTERFOIL_DEVELOPMENT" not in FILE.read_text()


def test_what_only_the_operator_can_know_has_no_default():
    needed = {name for name, how, _ in VARIABLE.findall(FILE.read_text()) if how == "?"}

    assert needed == {"COUNTERFOIL_URL", "COUNTERFOIL_ORIGIN", "COUNTERFOIL_FIRST_ADMIN", "OTLP_ENDPOINT"}
    assert all(how for _, how, _ in VARIABLE.findall(FILE.read_text())), (
        "a variable without a default and without a word is empty where it is forgotten"
    )


@every_service
def test_an_image_has_a_version_unless_it_is_ours(name: str):
    image = service(name)["image"]
    assert re.fullmatch(r"counterfoil-[a-z]+|\$\{[A-Z_]+:-[a-z/-]+:[\w.]+\}", image), image


def test_each_image_of_ours_is_built_once_from_the_one_dockerfile():
    built = {found["image"]: found["build"] for found in services().values() if "build" in found}

    assert set(built) == {found["image"] for found in services().values() if found["image"].startswith("counterfoil-")}
    assert {image.removeprefix("counterfoil-") for image in built} == {build["args"]["SERVICE"] for build in built.values()}
    assert {build["dockerfile"] for build in built.values()} == {"deploy/Dockerfile"}
    assert len([name for name in EVERY if "build" in service(name)]) == len(built)
    assert all((ROOT / "requirements" / f"{build['args']['SERVICE']}.txt").is_file() for build in built.values())
