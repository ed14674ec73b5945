"""Each service starts alone, from its own group's packages and its own folder, with the environment that compose.yaml gives it: no other is there."""

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest

from counterfoil.wire.log_key import LogKey
from services.dev.children import Children
from services.dev.database import role_dsns
from services.dev.ports import HOST, free_port
from services.dev.postgres import Postgres, superuser_dsn
from services.dev.spawn import Command
from tests.deploy.composed import PROCESSES, environment, service
from tests.support import alone
from tests.support.parts import password

GROUPS = ("gateway", "verifier", "policy", "providers", "audit", "revoker", "witness", "ops")
NEEDED = {"gateway": "jsonschema", "verifier": "PyJWT", "policy": "cedarpy", "providers": "httpx", "audit": "asyncpg", "revoker": "faststream",
          "witness": "starlette", "ops": "typer"}  # fmt: skip
"""Something that each could not do without."""


def group(name: str) -> str:
    return str(service(name)["image"]).removeprefix("counterfoil-")


@dataclass(frozen=True)
class Place:
    """Views by group, a folder of secrets, and where the parts are."""

    folder: Path
    kafka: str
    owner: str
    prefix: str

    def env(self, name: str, **more: str) -> dict[str, str]:
        """Another Kafka, which asks nobody; everything else is compose.yaml's."""
        found = environment(name, self.folder / "secrets") | {"COUNTERFOIL_KAFKA": self.kafka, "COUNTERFOIL_PREFIX": self.prefix}
        del found["COUNTERFOIL_KAFKA_USERNAME"], found["COUNTERFOIL_KAFKA_PASSWORD_FILE"]
        keys = {key: str(self.folder / "keys" / name) for key in found if key == "COUNTERFOIL_KEYS"}
        path = alone.environment(self.folder / "packages" / group(name), self.folder / "trees" / group(name))
        return {**found, **keys, **path, **more}


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alone")
    for name in GROUPS:
        alone.view(folder / "packages" / name, name)
        alone.tree(folder / "trees" / name, *(GROUPS if name == "ops" else (name,)))
    return folder


@pytest.fixture(scope="module")
async def place(views: Path, kafka: str, postgres_server: Postgres) -> Place:
    """Made ready by `setup`, from its own packages too."""
    name = f"alone_{secrets.token_hex(4)}"
    (views / "secrets").mkdir(mode=0o700)
    for role, dsn in role_dsns(HOST, postgres_server.port, name, password).items():
        (views / "secrets" / f"database_{role}").write_text(dsn)
    db = await asyncpg.connect(postgres_server.superuser_dsn)
    await db.execute(f'CREATE DATABASE "{name}"')
    await db.close()
    owner = superuser_dsn(postgres_server.socket, postgres_server.port, name)
    (views / "secrets" / "database_owner").write_text(owner)
    made = Place(views, kafka, owner, name)
    async with Children(views / "setup") as children:
        env = made.env("setup", COUNTERFOIL_KEYS_ROOT=str(views / "keys"))
        for _ in range(2):  # again, it makes nothing and complains of nothing
            await children.finish(Command("setup", alone.command("services.ops", "setup"), env=env, cwd=views))
        said = (children.logs / "setup.log").read_text().splitlines()
    assert said[0].startswith("24 topics, ")
    assert said[1] == "0 topics, 0 migrations, 0 keys made"
    return made


@pytest.mark.parametrize("name", PROCESSES)
async def test_a_service_becomes_ready_alone_and_ends_well(place: Place, name: str):
    port = free_port()
    env = place.env(
        name, COUNTERFOIL_HEALTH_PORT=str(port), COUNTERFOIL_OTLP="", **({"COUNTERFOIL_PORT": str(free_port())} if name == "gateway" else {})
    )
    command = Command(name, alone.command(*service(name)["command"]), env=env, cwd=place.folder)
    async with Children(place.folder / name) as children, httpx.AsyncClient(trust_env=False) as http:

        async def ready() -> bool:
            try:
                return (await http.get(f"http://{HOST}:{port}/readyz")).is_success
            except httpx.HTTPError:
                return False

        child = await children.start(command, ready)
        await child.end()

        assert child.process.returncode == 0, child.last_lines()


async def test_a_witness_becomes_ready_alone_and_ends_well(views: Path, tmp_path: Path):
    """Without Kafka, database and keys; nor is there anything of the servers' library."""
    port, vkey = free_port(), LogKey.generate("log.test").vkey
    tree = alone.tree(tmp_path / "tree", "witness")
    (tree / "counterfoil_server").unlink()
    env = environment("witness", tmp_path) | {
        "COUNTERFOIL_WITNESS_STATE": str(tmp_path / "state"), "COUNTERFOIL_WITNESS_LOGS": vkey, "COUNTERFOIL_WITNESS_PORT": str(port),
    }  # fmt: skip
    command = Command("witness", alone.command(*service("witness")["command"]), env={**env, **alone.environment(views / "packages/witness", tree)})
    async with Children(tmp_path / "children") as children, httpx.AsyncClient(trust_env=False) as http:

        async def ready() -> bool:
            try:
                return (await http.get(f"http://{HOST}:{port}/readyz")).is_success
            except httpx.HTTPError:
                return False

        child = await children.start(command, ready)
        await child.end()

        assert child.process.returncode == 0, child.last_lines()


EVERYTHING = """
import importlib, pathlib, sys
for file in sorted(pathlib.Path(sys.argv[1]).glob("services/" + sys.argv[2] + "/**/*.py")):
    importlib.import_module(".".join(file.relative_to(sys.argv[1]).with_suffix("").parts))
"""


async def python(packages: Path, tree: Path, statement: str, *arguments: str) -> tuple[int, str]:
    pipe = asyncio.subprocess.PIPE
    argv = (alone.PYTHON, "-S", "-s", "-c", statement, *arguments)
    process = await asyncio.create_subprocess_exec(*argv, env=dict(alone.environment(packages, tree)), stderr=pipe)
    _, said = await process.communicate()
    return process.returncode or 0, said.decode()


@pytest.mark.parametrize("name", GROUPS)
async def test_all_of_it_finds_its_packages_and_without_one_of_them_does_not(views: Path, tmp_path: Path, name: str):
    """Also what no start would load. And what starts is not fed by anything else on this machine."""
    tree = views / "trees" / name

    whole = await python(views / "packages" / name, tree, EVERYTHING, str(tree), name)
    code, said = await python(alone.less(tmp_path, views / "packages" / name, NEEDED[name]), tree, EVERYTHING, str(tree), name)

    assert whole == (0, "")
    assert code == 1
    assert "ModuleNotFoundError" in said


@pytest.mark.parametrize("strange", ["pytest", "services.dev.app", "services.audit.app", "tests.support.alone", "deploy.acls"])
async def test_nothing_of_the_rest_is_within_reach(views: Path, strange: str):
    code, said = await python(views / "packages/policy", views / "trees/policy", f"import {strange}")

    assert code == 1
    assert "ModuleNotFoundError" in said
