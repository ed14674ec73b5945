"""docker-credential-counterfoil, asked by Docker's own SDK, and by the real docker on its way to a registry."""

import asyncio
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from docker.credentials import Store  # type: ignore[import-untyped]
from docker.credentials.errors import CredentialsNotFound, StoreError  # type: ignore[import-untyped]

from counterfoil.cli import docker_credential
from tests.cli.registry import MANIFEST, Registry, served
from tests.cli.shell import CLEAN, Said, Shell
from tests.cli.stand_in import CREDENTIAL_ID, Asked, no
from tests.support.certificates import certified

DOCKER = shutil.which("docker")
TOKEN = "canary-of-the-registry"


@dataclass
class Machine:
    """The helper on a PATH, as the package would have installed it, and a gateway that lends a token."""

    sh: Shell
    home: Path
    registries: str = "registry.example:5000=artifactory/acme --scope pull"

    @property
    def env(self) -> dict[str, str]:
        path = f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}"
        ours = {"COUNTERFOIL_URL": self.sh.url, "COUNTERFOIL_DOCKER": self.registries, "HOME": str(self.home), "PATH": path}
        return CLEAN | ours | self.sh.env

    def store(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setenv("PATH", self.env["PATH"])
        return Store("counterfoil", self.env)

    async def asked(self, operation: str, said: str, *options: str) -> Said:
        return await spoken([str(self.home / "bin" / "docker-credential-counterfoil"), *options, operation], self.env, said)

    def wishes(self) -> list[tuple[str, str | None, str]]:
        found = [one.body for one in self.sh.gateway.at("/oauth2/token")]
        return [(one["audience"], one.get("scope"), one["requested_lifetime"]) for one in found]


async def spoken(command: list[str], env: dict[str, str], said: str = "") -> Said:
    done = await asyncio.to_thread(subprocess.run, command, env=env, input=said, capture_output=True, text=True, check=False)
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def machine(sh: Shell, tmp_path: Path) -> Machine:
    helper = tmp_path / "bin" / "docker-credential-counterfoil"
    helper.parent.mkdir()
    helper.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m counterfoil.cli.docker_credential "$@"\n')
    helper.chmod(0o755)

    def lend(asked: Asked) -> tuple[int, Any]:
        status, body = sh.gateway.lend(asked)
        return status, body | {"access_token": TOKEN, "credential": {}}

    sh.gateway.says["/oauth2/token"] = lend
    return Machine(sh, tmp_path)


async def test_dockers_sdk_gets_the_credential_of_the_registry_that_it_names(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    machine.registries = "other.example=a/b registry.example:5000=artifactory/acme --scope pull -l 5m"
    found = await asyncio.to_thread(machine.store(monkeypatch).get, "https://registry.example:5000/v2/")

    assert found == {"ServerURL": "https://registry.example:5000/v2/", "Username": "x-access-token", "Secret": TOKEN}
    assert machine.wishes() == [("artifactory/acme", "pull", "300")]


async def test_dockers_sdk_is_told_in_its_own_words_that_there_is_none(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(CredentialsNotFound):
        await asyncio.to_thread(machine.store(monkeypatch).get, "registry.example")

    assert await machine.asked("get", "registry.example") == Said(1, "credentials not found in native keychain\n", "")
    assert machine.sh.gateway.asked == []


async def test_a_denial_is_not_taken_for_none(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    """Docker would go on without."""
    machine.sh.gateway.says["/oauth2/token"] = no("no_link", 400)
    with pytest.raises(StoreError, match="no_link") as told:
        await asyncio.to_thread(machine.store(monkeypatch).get, "registry.example:5000")

    assert not isinstance(told.value, CredentialsNotFound)


async def test_docker_keeps_nothing_here_and_is_told_what_there_is(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    machine.registries += " containers.example.com=github/acme-bot --username acme-bot"
    store = machine.store(monkeypatch)
    await asyncio.to_thread(store.store, "registry.example:5000", "a", "b")
    await asyncio.to_thread(store.erase, "registry.example:5000")

    assert await asyncio.to_thread(store.list) == {"registry.example:5000": "x-access-token", "containers.example.com": "acme-bot"}
    assert await machine.asked("a-later-one", "") == Said(0, "", "")
    assert machine.sh.gateway.asked == []


async def test_without_a_word_of_ours_there_is_nothing(machine: Machine):
    machine.registries = ""

    assert await machine.asked("list", "") == Said(0, "{}\n", "")
    assert (await machine.asked("get", "containers.example.com")).out == "credentials not found in native keychain\n"


@pytest.mark.parametrize(
    ("options", "scope", "details"),
    [
        ("", "packages:read", None),
        ("--permission packages:write --repo acme/site", "packages:write", [{"type": "github", "repositories": ["acme/site"]}]),
        ("--scope packages:read --detail='{\"type\":\"github\",\"repositories\":[\"a/b=c\"]}'", "packages:read",
         [{"type": "github", "repositories": ["a/b=c"]}]),
    ],
)  # fmt: skip
async def test_a_registry_of_githubs_takes_githubs_words(machine: Machine, options: str, scope: str, details: list[Any] | None):
    machine.registries = f"containers.example.com=github/acme-bot {options} other.example=a/b"
    said = await machine.asked("get", "containers.example.com")
    (wish,) = (one.body for one in machine.sh.gateway.at("/oauth2/token"))

    assert said.code == 0, said
    assert wish["scope"] == scope
    assert json.loads(wish.get("authorization_details", "null")) == details


@pytest.mark.parametrize(
    "registries",
    [
        "containers.example.com",
        "containers.example.com=",
        "=github/acme",
        "containers.example.com=a/b --nothing x",
        "containers.example.com=a/b --detail [] ",
        "containers.example.com=b/c 'x",
    ],
)
def test_what_cannot_be_read_is_told_where_docker_reads(registries: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("COUNTERFOIL_DOCKER", registries)
    monkeypatch.setattr(sys, "stdin", io.StringIO("containers.example.com"))
    with pytest.raises(SystemExit, match="2"):
        docker_credential.main(["get"])
    out, err = capsys.readouterr()

    assert (out.startswith("docker-credential-counterfoil: "), err) == (True, "")


async def test_ctrl_c_while_it_is_on_its_way_gives_it_back(machine: Machine):
    """Whoever started the helper has gone: nobody would have what comes then."""
    lend = machine.sh.gateway.says["/oauth2/token"]
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-P", "-m", docker_credential.__name__, "get")
    process = await asyncio.create_subprocess_exec(*command, env=machine.env, stdin=pipe, stdout=pipe, stderr=pipe)

    def late(asked: Asked) -> tuple[int, Any]:
        process.send_signal(signal.SIGINT)
        return lend(asked)

    machine.sh.gateway.says["/oauth2/token"] = late
    out, err = await process.communicate(b"registry.example:5000")

    assert (process.returncode, out, err) == (130, b"", b"")
    assert [one.body["token"] for one in machine.sh.gateway.at("/oauth2/revoke")] == [CREDENTIAL_ID]


def configured(machine: Machine, registry: Registry) -> list[str]:
    folder = machine.home / ".docker"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"credHelpers": {registry.host: "counterfoil"}}))
    machine.registries = f"{registry.host}=artifactory/acme"
    return [DOCKER or "docker", "--config", str(folder), "manifest", "inspect", f"{registry.host}/acme/site:1"]


@contextmanager
def guarded(machine: Machine, good: str = TOKEN) -> Iterator[Registry]:
    """By TLS, with a certificate that this docker believes."""
    server, _ = certified(machine.home, "127.0.0.1")
    machine.sh.env["SSL_CERT_FILE"] = str(machine.home / "certificate.pem")
    with served(Registry("x-access-token", good), server) as registry:
        yield registry


@pytest.mark.skipif(DOCKER is None, reason="docker is not installed")
async def test_the_real_docker_is_let_in_by_a_registry(machine: Machine):
    """`manifest inspect` goes to the registry itself: it needs no daemon."""
    with guarded(machine) as registry:
        said = await spoken(configured(machine, registry), machine.env)

    assert said.code == 0, said
    assert json.loads(said.out)["config"] == json.loads(MANIFEST)["config"]
    assert registry.refused == 0
    assert {connector for connector, *_ in machine.wishes()} == {"artifactory/acme"}


@pytest.mark.skipif(DOCKER is None, reason="docker is not installed")
async def test_the_registry_of_these_tests_lets_in_nobody_else(machine: Machine):
    with guarded(machine, "another") as registry:
        said = await spoken(configured(machine, registry), machine.env)

    assert (said.code, said.out) == (1, "")
    assert registry.refused >= 1
