"""A process that cannot start says why in one line, quotes no value, and ends with 1."""

import asyncio
import json
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.dev.jars import ROOT
from services.dev.ports import HOST, free_port
from services.dev.town import MODULES, environment
from tests.support.town import Town

PATIENCE = 60
DSN = "postgresql://counterfoil_{role}:hunter2@{host}:{port}/{database}"


async def ended(role: str, env: dict[str, str]) -> tuple[int, list[dict[str, Any]], str]:
    """Its exit code, our log lines above info (aiokafka has one of its own for a Kafka that is away), and all that it said."""
    pipe, joined = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", *MODULES[role], env=env, cwd=ROOT, stdout=pipe, stderr=joined)
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    lines = [json.loads(line) for line in said.decode().splitlines()]
    return process.returncode or 0, [line for line in lines if line["logger"] != "aiokafka" and line["level"] != "info"], said.decode()


async def told(town: Town, role: str = "policy", changed: Mapping[str, str | None] = {}) -> str:
    """The one line that says why."""
    usual = environment(town.plan, role) | {"COUNTERFOIL_HEALTH_PORT": str(free_port()), "COUNTERFOIL_PREFIX": "nowhere"}
    code, lines, said = await ended(role, {name: value for name, value in (usual | dict(changed)).items() if value is not None})
    assert code == 1, said
    assert "hunter2" not in said
    assert "Traceback" not in said
    assert len(lines) == 1, said
    (line,) = lines
    assert line["level"] == "critical"
    return str(line.get("reason"))


def dsn(town: Town, **changed: object) -> str:
    host, port = town.plan.postgres
    return DSN.format(**{"role": "policy", "host": host, "port": port, "database": town.plan.database} | changed)


async def test_a_setting_that_is_missing_is_named(town: Town):
    names = ("COUNTERFOIL_KAFKA", "COUNTERFOIL_DATABASE", "COUNTERFOIL_KEYS", "COUNTERFOIL_URL")
    said = await asyncio.gather(*(told(town, changed={name: None}) for name in names))

    assert [one.split(":")[0] for one in said] == [f"{name} is not set" for name in names]


async def test_a_setting_that_is_wrong_is_named_and_not_quoted(town: Town):
    wrong = [
        ("policy", "COUNTERFOIL_HEALTH_PORT"),
        ("policy", "COUNTERFOIL_SAMPLED"),
        ("policy", "COUNTERFOIL_LOG_LEVEL"),
        ("gateway", "COUNTERFOIL_PORT"),
    ]
    said = await asyncio.gather(*(told(town, role, {name: "hunter2"}) for role, name in wrong))

    assert [one.split()[0] for one in said] == [name for _, name in wrong]


async def test_a_database_that_cannot_be_used_is_named_with_the_kind_of_error(town: Town):
    said = await asyncio.gather(
        told(town, changed={"COUNTERFOIL_DATABASE": dsn(town)}),
        told(town, changed={"COUNTERFOIL_DATABASE": dsn(town, port=1)}),
        told(town, changed={"COUNTERFOIL_DATABASE": dsn(town, port="hunter2")}),
        told(town, changed={"COUNTERFOIL_DATABASE": "hunter2"}),
    )

    assert all("the database cannot be used" in one and "COUNTERFOIL_DATABASE" in one for one in said)
    assert "(InvalidPasswordError)" in said[0]
    assert "(ConnectionRefusedError)" in said[1]


async def test_a_kafka_that_is_down_is_named(town: Town):
    assert f"Kafka at {HOST}:1 cannot be used" in await told(town, changed={"COUNTERFOIL_KAFKA": f"{HOST}:1"})


async def test_a_key_that_is_missing_or_open_to_others_is_named(town: Town, tmp_path: Path):
    opened = shutil.copytree(town.plan.keys / "policy", tmp_path / "open")
    (file,) = opened.iterdir()
    file.chmod(0o644)

    nothing, readable = await asyncio.gather(
        told(town, changed={"COUNTERFOIL_KEYS": str(tmp_path / "nothing")}), told(town, changed={"COUNTERFOIL_KEYS": str(opened)})
    )

    assert f"the private key {file.stem} of policy is not in its folder" in nothing
    assert "chmod 0400" in readable


async def test_each_key_that_a_role_works_with_is_missed_at_the_start(town: Town, tmp_path: Path):
    async def without(role: str, key: str) -> str:
        folder = shutil.copytree(town.plan.keys / role, tmp_path / f"{role}-{key}")
        for file in folder.glob(f"{key}*"):
            file.unlink()
        return await told(town, role, {"COUNTERFOIL_KEYS": str(folder)})

    lacking = [
        ("verifier", "open"),
        ("verifier", "subject"),
        ("audit", "log"),
        ("mint", "lookup"),
        ("gateway", "subject"),
        ("mint", "kek"),
        ("revoke", "kek"),
    ]
    said = await asyncio.gather(*(without(role, key) for role, key in lacking))

    assert [key in one for (_, key), one in zip(lacking, said, strict=True)] == [True] * len(lacking), said


async def test_a_port_that_is_taken_ends_it(town: Town):
    with socket.create_server((HOST, 0)) as taken:
        said = await told(town, changed={"COUNTERFOIL_HEALTH_PORT": str(taken.getsockname()[1])})

        port = taken.getsockname()[1]
    assert f"port {port} of {HOST} cannot be had" in said
    assert "COUNTERFOIL_HEALTH_PORT" in said
