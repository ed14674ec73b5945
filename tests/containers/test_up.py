"""compose.yaml, whole, in containers: built, brought up as it stands, and walked through."""

import json
import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest

from counterfoil.client.client import Client
from counterfoil.wire.secret import Secret
from services.dev import demo, seed
from services.dev.children import Children
from services.dev.ports import HOST, free_port
from services.dev.spawn import Command
from services.dev.town import Plan
from tests.containers import images, programs
from tests.containers.engine import Engine, composing, made, serving
from tests.deploy.composed import FILE, OPERATORS, PROCESSES, ROOT
from tests.support import kafka_tools
from tests.support.sql import ended
from tests.support.waiting import until

pytestmark = pytest.mark.deployment
WALK = Path(__file__).parent / "standins" / "walk.yaml"
FILES = (FILE, WALK)


@dataclass(frozen=True)
class Stand:
    engine: Engine
    plan: Plan
    compose: Path
    env: dict[str, str]
    postgres_port: int

    async def token(self) -> str:
        asked = {"project": "web", "environment": "production", "audience": self.plan.url}
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(f"{self.plan.issuer}/id-token", params=asked)).raise_for_status().text.strip()

    def inspected(self, name: str) -> dict[str, object]:
        (found,) = json.loads(self.engine.run("podman", "inspect", f"counterfoil-{name}-1"))
        return dict(found)

    def reached(self, dsn: str) -> str:
        """A lent DSN names PostgreSQL as containers know it."""
        return dsn.replace("@postgres:5432", f"@{HOST}:{self.postgres_port}")


@pytest.fixture(scope="module")
async def stand(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stand]:
    folder = tmp_path_factory.mktemp("containers")
    engine, compose = made(folder), programs.compose()
    engine.run("/bin/sh", str(ROOT / "deploy/secrets.sh"), str(folder / "secrets"))
    ports = {"gateway-http": free_port(), "issuer": free_port()}
    postgres_port = free_port()
    password = (folder / "secrets" / "postgres").read_text()
    plan = Plan(folder, "", f"postgresql://counterfoil:{password}@{HOST}:{postgres_port}/postgres", ("postgres", 5432), ports)
    async with Children(folder / "beside") as children:
        images.ours(engine)
        told = images.theirs(engine, folder / "contexts", await kafka_tools.classes(children))
        env = {**OPERATORS, **told, "SECRETS": str(folder / "secrets"),
               "COUNTERFOIL_URL": plan.url, "COUNTERFOIL_FIRST_ADMIN": f"{plan.issuer}|admin",
               "PUBLISH": f"{HOST}:{ports['gateway-http']}", "POSTGRES_PORT": str(postgres_port), "ISSUER_PORT": str(ports["issuer"]),
               "ISSUER_KEYS": str(folder / "issuer")}  # fmt: skip
        await children.start(issuer(plan), lambda: answered(f"{plan.issuer}/jwks"))
        async with serving(engine):
            await composing(engine, compose, env, "up", "--detach", "--no-build", "--wait", files=FILES)
            broker = secrets.token_urlsafe(16)
            await demo.prepare(plan.superuser_dsn, Secret(broker))
            await seed.sow(plan, broker, 1)
            yield Stand(engine, plan, compose, env, postgres_port)


def issuer(plan: Plan) -> Command:
    env = {"PATH": "/usr/bin:/bin", "COUNTERFOIL_ISSUER_PORT": str(plan.ports["issuer"]), "COUNTERFOIL_ISSUER_KEYS": str(plan.folder / "issuer")}
    return Command("issuer", (sys.executable, "-m", "services.dev.issuer"), env=env, cwd=ROOT)


async def answered(url: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(url)).is_success
    except httpx.HTTPError:
        return False


async def test_a_credential_is_lent_used_and_revoked(stand: Stand):
    async with Client(stand.plan.url, stand.token, "http") as client:
        async with client.credential("postgres/demo", scopes=["read"], lifetime=300) as credential:
            session = await asyncpg.connect(stand.reached(credential.reveal()))
            assert await session.fetchval("SELECT count(*) FROM shop.customers") == 3
        await until(lambda: ended(session))


async def test_the_files_services_are_those_that_run_and_each_is_healthy(stand: Stand):
    listed = await composing(stand.engine, stand.compose, stand.env, "ps", "--all", "--format", "json", files=FILES)
    found = {one["Service"]: one for one in map(json.loads, listed.splitlines())}

    assert {found[name]["Health"] for name in (*PROCESSES, "kafka", "postgres")} == {"healthy"}
    assert {(found[name]["State"], found[name]["ExitCode"]) for name in ("setup", "kafka-setup")} == {("exited", 0)}


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_is_nobody_and_can_write_nothing_but_tmp(stand: Stand, name: str):
    inside = ("podman", "exec", f"counterfoil-{name}-1", "/bin/sh", "-c")
    said = stand.engine.run(*inside, "id -u; touch /app/x /keys/x /x 2>&1; touch /tmp/x && echo tmp; grep CapEff /proc/self/status; ls /run/secrets")

    assert said.splitlines()[0] == "10001"
    assert said.count("Read-only file system") == 3
    assert "\ntmp\n" in said
    assert "CapEff:\t0000000000000000" in said
    assert said.split()[-2:] == ["database", "kafka"]


async def test_brought_down_and_up_again_it_goes_on_with_what_it_had(stand: Stand):
    """Keys, topics, the registry: all of it lies in volumes, and setup makes nothing twice."""
    await composing(stand.engine, stand.compose, stand.env, "down", files=FILES)
    await composing(stand.engine, stand.compose, stand.env, "up", "--detach", "--no-build", "--wait", files=FILES)

    assert "0 topics, 0 migrations, 0 keys made" in stand.engine.run("podman", "logs", "counterfoil-setup-1")
    async with Client(stand.plan.url, stand.token, "http") as client:
        credential = await client.exchange("postgres/demo", scopes=["read"], lifetime=60)
    assert credential.reveal().startswith("postgresql://")
