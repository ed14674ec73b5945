"""git-credential-counterfoil, asked by the real git for repositories that a real git server gives to lent credentials only."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest

from counterfoil.contracts.exchange_minted import credential_id
from counterfoil.wire.armor import to_url
from counterfoil.wire.opening_key import OpeningKey
from tests.cli.git_server import GIT, GitServer, founded
from tests.cli.shell import CLEAN, Said, Shell
from tests.cli.stand_in import Asked, no
from tests.client.answers import asked, minted

pytestmark = pytest.mark.skipif(GIT is None, reason="git is not installed")
HELPER = "git-credential-counterfoil"


def git(*argv: str, cwd: Path, env: dict[str, str]) -> Said:
    done = subprocess.run([GIT or "git", *argv], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    return Said(done.returncode, done.stdout, done.stderr)


@dataclass
class Place:
    """A HOME with our helper on its PATH, a server with two repositories, and a stand-in that lends what opens them."""

    sh: Shell
    server: GitServer
    url: str
    home: Path

    @property
    def env(self) -> dict[str, str]:
        path = f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}"
        ours = {"COUNTERFOIL_URL": self.sh.url, "HOME": str(self.home), "PATH": path, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
        return {name: value for name, value in CLEAN.items() if not name.startswith("GIT_")} | ours | self.sh.env

    async def git(self, *argv: str, cwd: Path | None = None) -> Said:
        return await asyncio.to_thread(git, *argv, cwd=cwd or self.home, env=self.env)

    async def helped(self, *words: str) -> None:
        for name, value in ((f"credential.{self.url}.helper", " ".join(["counterfoil", *words])), ("credential.useHttpPath", "true")):
            assert (await self.git("config", "--global", name, value)).code == 0

    def lend(self, asked_: Asked) -> tuple[int, Any]:
        """Good at the server for the repositories that were asked for, as GitHub's are."""
        number = len(self.sh.gateway.at("/oauth2/token"))
        digest, key = f"{number:064x}", to_url(OpeningKey.generate().public).decode()
        fact = minted(asked(UUID(asked_.body["request_id"]), digest, key), self.sh.gateway.town.box(digest, key))
        fact |= {"connector": asked_.body["audience"], "expires_at": (datetime.now(UTC) + timedelta(minutes=15)).isoformat()}
        (detail,) = json.loads(asked_.body["authorization_details"])
        self.server.good[f"ghs_number_{number}"] = detail["repositories"]
        found = {"access_token": f"ghs_number_{number}", "token_type": "Bearer", "credential": {}, "credential_id": str(credential_id(digest, 1))}
        return 200, found | {"receipt": self.sh.gateway.town.receipt(self.sh.gateway.town.append(fact))}

    def wishes(self) -> list[tuple[str, str]]:
        return [(one.body["scope"], one.body["authorization_details"]) for one in self.sh.gateway.at("/oauth2/token")]


@pytest.fixture
async def place(sh: Shell, tmp_path: Path) -> AsyncIterator[Place]:
    root, home = tmp_path / "served", tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    helper = home / "bin" / HELPER
    helper.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m counterfoil.cli.git_credential "$@"\n')
    helper.chmod(0o755)
    server = founded(root, "acme/site.git", "acme/api.git")
    listening = ThreadingHTTPServer(("127.0.0.1", 0), server.handler())
    thread = Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    made = Place(sh, server, f"http://127.0.0.1:{listening.server_port}", home)
    sh.gateway.says["/oauth2/token"] = made.lend
    try:
        yield made
    finally:
        listening.shutdown()
        listening.server_close()


async def committed(place: Place, folder: Path) -> None:
    (folder / "file").write_text("content\n")
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    for words in (("add", "file"), (*identity, "commit", "--quiet", "-m", "a file")):
        assert (await place.git(*words, cwd=folder)).code == 0


async def test_git_clones_and_pushes_with_a_credential_for_that_repository(place: Place):
    await place.helped("--connector", "github/acme-bot", "--permission", "contents:write")
    cloned = await place.git("clone", "--quiet", f"{place.url}/acme/site.git", "one")
    assert cloned.code == 0, cloned.err
    await committed(place, place.home / "one")
    pushed = await place.git("push", "--quiet", "origin", "HEAD:main", cwd=place.home / "one")
    again = await place.git("clone", "--quiet", "--branch", "main", f"{place.url}/acme/site.git", "two")

    assert (pushed.code, again.code) == (0, 0), pushed.err + again.err
    assert (place.home / "two" / "file").read_text() == "content\n"
    assert set(place.wishes()) == {("contents:write", '[{"type":"github","repositories":["acme/site"]}]')}
    assert place.sh.gateway.at("/oauth2/revoke") == []


async def test_without_permissions_it_may_read(place: Place):
    await place.helped("--connector", "github/acme-bot")
    assert (await place.git("clone", "--quiet", f"{place.url}/acme/api.git", "api")).code == 0

    assert place.wishes() == [("contents:read", '[{"type":"github","repositories":["acme/api"]}]')]


async def test_a_credential_that_the_server_refuses_is_revoked(place: Place):
    await place.helped("--connector", "github/acme-bot", "--repo", "acme/api")
    said = await place.git("clone", f"{place.url}/acme/site.git", "site")

    assert said.code != 0
    assert place.server.refused >= 1
    assert [one.body["token"] for one in place.sh.gateway.at("/oauth2/revoke")] == ["ghs_number_1"]


async def test_a_denial_is_told_and_git_asks_for_no_password(place: Place):
    await place.helped("--connector", "github/acme-bot")
    place.sh.gateway.says["/oauth2/token"] = no("no_link", 400)
    said = await place.git("clone", f"{place.url}/acme/site.git", "site")

    assert said.code != 0
    assert "no_link" in said.err
    assert "told us to quit" in said.err


async def test_where_git_names_no_repository_it_says_what_to_set(place: Place):
    await place.helped("--connector", "github/acme-bot")
    await place.git("config", "--global", "credential.useHttpPath", "false")
    said = await place.git("clone", f"{place.url}/acme/site.git", "site")

    assert "credential.useHttpPath true" in said.err
    assert place.sh.gateway.at("/oauth2/token") == []


async def asked_for(place: Place, operation: str, text: str) -> Said:
    command = (str(place.home / "bin" / HELPER), "--connector", "github/acme-bot", operation)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env=place.env, stdin=pipe, stdout=pipe, stderr=pipe)
    out, err = await process.communicate(text.encode())
    return Said(process.returncode or 0, out.decode(), err.decode())


async def test_the_answer_has_its_end_and_a_newer_gits_way_to_name_it_again(place: Place):
    """`state` is of git 2.46; older ones do not offer it."""
    said = await asked_for(place, "get", "capability[]=state\nprotocol=https\nhost=github.example\npath=acme/site.git/info/lfs\n\n")
    found = dict(line.split("=", 1) for line in said.out.splitlines())

    assert (found["username"], found["password"]) == ("x-access-token", "ghs_number_1")
    assert 600 < int(found["password_expiry_utc"]) - datetime.now(UTC).timestamp() < 901
    await asked_for(place, "erase", f"protocol=https\nhost=github.example\nstate[]={found['state[]']}\npassword=another\n\n")

    assert [one.body["token"] for one in place.sh.gateway.at("/oauth2/revoke")] == [str(credential_id(f"{1:064x}", 1))]


async def test_store_and_what_is_not_known_yet_do_nothing(place: Place):
    for operation in ("store", "a-later-one"):
        assert await asked_for(place, operation, "protocol=https\nhost=a\npassword=b\n\n") == Said(0, "", "")

    assert place.sh.gateway.asked == []


async def test_no_credential_goes_over_a_network_in_clear(place: Place):
    said = await asked_for(place, "get", "protocol=http\nhost=git.example\npath=acme/site.git\n\n")

    assert (said.code, said.out) == (2, "quit=1\n")
    assert "https" in said.err
    assert place.sh.gateway.asked == []
