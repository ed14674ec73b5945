"""counterfoil run --refresh endpoint: what botocore finds there, who else finds nothing, and that nothing is left of it at the end."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from unittest.mock import MagicMock
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import UUID

import pytest

from counterfoil.cli import serving
from counterfoil.cli.endpoint import Endpoint
from counterfoil.cli.errands import Errand
from counterfoil.cli.variables import Place
from counterfoil.client.client import Client
from counterfoil.client.credential import Credential, Receipt
from counterfoil.client.errors import Denied
from counterfoil.contracts.exchange_minted import credential_id
from counterfoil.wire.armor import to_url
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.secret import Secret
from tests.cli.shell import Shell, ended
from tests.cli.stand_in import Asked, no
from tests.client.answers import asked, minted

BOTOCORE = """
import os, time
from botocore.session import Session
session = Session()
credentials, seen = session.get_credentials(), []
print(credentials.method, session.get_config_variable("region"), flush=True)
while len(seen) < 3:
    found = credentials.get_frozen_credentials()
    if found.access_key not in seen:
        seen.append(found.access_key)
        print(found.access_key, found.secret_key, found.token, flush=True)
    time.sleep(0.05)
"""
SHOWS = """
import os, sys, time, json
names = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
print(json.dumps({name: os.environ[name] for name in names} | {"pid": os.getpid(), "token": None}), flush=True)
time.sleep(60)
"""
ALONE = """
from botocore.session import Session
session = Session()
found = session.get_credentials()
print(found.method, found.access_key, found.token, session.get_config_variable("region"))
"""
OURS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass
class Lender:
    """Each exchange lends another session, that lives so long."""

    sh: Shell
    life: timedelta
    parts: bool = True

    def __call__(self, one: Asked) -> tuple[int, Any]:
        number = len(self.sh.gateway.at("/oauth2/token"))
        digest, key = f"{number:064x}", to_url(OpeningKey.generate().public).decode()
        fact = minted(asked(UUID(one.body["request_id"]), digest, key), self.sh.gateway.town.box(digest, key))
        fact |= {"connector": one.body["audience"], "expires_at": (datetime.now(UTC) + self.life).isoformat()}
        parts = {"access_key_id": f"ASIA{number}", "secret_access_key": f"canary-secret-{number}", "session_token": f"canary-session-{number}",
                 "region": "eu-central-1"}  # fmt: skip
        found = {"access_token": f"canary-session-{number}", "token_type": "N_A", "credential": parts if self.parts else {}}
        receipt = self.sh.gateway.town.receipt(self.sh.gateway.town.append(fact))
        return 200, found | {"credential_id": str(credential_id(digest, 1)), "receipt": receipt}


def lending(sh: Shell, life: timedelta = timedelta(hours=1), *, parts: bool = True) -> Lender:
    lender = Lender(sh, life, parts)
    sh.gateway.says["/oauth2/token"] = lender
    return lender


def python(code: str, *options: str) -> tuple[str, ...]:
    return ("run", "-c", "aws/reports", "--refresh", "endpoint", *options, "--", sys.executable, "-c", code)


def revoked(sh: Shell) -> set[str]:
    return {one.body["token"] for one in sh.gateway.at("/oauth2/revoke")}


def lent(sh: Shell) -> set[str]:
    return {str(credential_id(f"{number:064x}", 1)) for number in range(1, len(sh.gateway.at("/oauth2/token")) + 1)}


async def seen(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(await process.stdout.readline())
    return found


async def fetched(where: Mapping[str, Any], token: str | None, path: str = "") -> tuple[int, dict[str, Any], str | None]:
    def ask() -> tuple[int, dict[str, Any], str | None]:
        request = Request(where["AWS_CONTAINER_CREDENTIALS_FULL_URI"] + path, headers={} if token is None else {"Authorization": token})  # noqa: S310 ours
        try:
            with urlopen(request, timeout=30) as answer:  # noqa: S310 ours
                return answer.status, json.load(answer), answer.headers["Cache-Control"]
        except HTTPError as error:
            return error.code, json.load(error), error.headers["Cache-Control"]

    return await asyncio.to_thread(ask)


async def test_botocore_finds_each_fresh_session_in_time_and_all_are_revoked(sh: Shell, tmp_path: Path):
    """And not what else lies about on the machine: its keys, its profiles."""
    lending(sh, timedelta(seconds=4))
    (tmp_path / ".aws").mkdir()
    for name in ("credentials", "config"):
        (tmp_path / ".aws" / name).write_text("[default]\naws_access_key_id = theirs\naws_secret_access_key = theirs\nregion = us-east-1\n")
    sh.env |= {"HOME": str(tmp_path), "AWS_PROFILE": "missing", "AWS_ACCESS_KEY_ID": "theirs", "AWS_SECRET_ACCESS_KEY": "theirs"}
    said = await sh.process(*python(BOTOCORE, "--no-mask"))

    assert (said.code, said.err) == (0, "")
    first, *sessions = [line.split() for line in said.out.splitlines()]
    numbers = [int(one[0].removeprefix("ASIA")) for one in sessions]
    assert first == ["container-role", "eu-central-1"]
    assert sessions == [[f"ASIA{number}", f"canary-secret-{number}", f"canary-session-{number}"] for number in numbers]
    assert numbers == sorted(set(numbers))
    assert revoked(sh) == lent(sh)


async def test_what_is_lent_later_is_blotted_out_too(sh: Shell):
    lending(sh, timedelta(seconds=4))
    said = await sh.process(*python(BOTOCORE + "print(open(os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE']).read())"))

    assert said.code == 0, said
    assert "canary" not in said.out
    assert said.out.splitlines()[-1] == "***"


async def test_only_who_bears_the_token_is_given_it_and_nothing_is_left_at_the_end(sh: Shell):
    lending(sh)
    process = await sh.start(*python(SHOWS))
    where = await seen(process)
    file = Path(where["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
    token = file.read_text()
    status, found, kept = await fetched(where, token)
    ends = datetime.fromisoformat(found.pop("Expiration"))

    assert where["AWS_CONTAINER_CREDENTIALS_FULL_URI"].startswith("http://127.0.0.1:")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777, len(token)) == (0o400, 0o700, 43)
    assert (status, kept) == (200, "no-store")
    assert found == {"AccessKeyId": "ASIA1", "SecretAccessKey": "canary-secret-1", "Token": "canary-session-1"}
    assert timedelta(minutes=50) < ends - datetime.now(UTC) <= timedelta(hours=1)
    for wrong in (None, "", token[:-1], f"Bearer {token}", "\xff"):
        assert (await fetched(where, wrong))[0] == 401
    assert (await fetched(where, token, "/other"))[0] == 404

    said = await ended(process, signal.SIGTERM)
    assert said.code == 128 + signal.SIGTERM
    assert not file.parent.exists()
    with pytest.raises(OSError, match="refused"):
        await fetched(where, token)
    assert revoked(sh) == lent(sh)


async def test_neither_secret_nor_token_is_in_an_argument_or_in_the_environment(sh: Shell):
    lending(sh)
    process = await sh.start(*python(SHOWS))
    where = await seen(process)
    token = Path(where["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).read_bytes()
    environment = Path(f"/proc/{where['pid']}/environ").read_bytes()
    arguments = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    await ended(process, signal.SIGINT)

    assert b"AWS_CONTAINER_CREDENTIALS_FULL_URI" in environment
    assert not any(f"\0{name}=".encode() in environment for name in OURS)
    assert not any(secret in text for secret in (b"canary", token) for text in (environment, *arguments))


async def test_where_nothing_fresh_can_be_had_the_command_goes_on_to_its_end(sh: Shell):
    lender = lending(sh, timedelta(seconds=2))
    sh.gateway.says["/oauth2/token"] = lambda one: lender(one) if len(sh.gateway.at("/oauth2/token")) == 1 else no("no_link", 400)(one)
    process = await sh.start(*python(SHOWS))
    where = await seen(process)
    token = Path(where["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).read_text()
    async with asyncio.timeout(60):
        while (found := await fetched(where, token))[0] == 200:  # noqa: ASYNC110 it happens in another process
            await asyncio.sleep(0.1)
    said = await ended(process, signal.SIGTERM)

    assert (found[0], found[1]["code"]) == (503, "Ended")
    assert said.err.count("no_link") == 1
    assert "goes on with what it has" in said.err
    assert "canary" not in said.err
    assert len(revoked(sh)) == 1


async def test_what_was_asked_for_when_the_command_ended_is_given_back(sh: Shell, tmp_path: Path):
    lender, gone = lending(sh, timedelta(seconds=2)), tmp_path / "gone"

    def slow(one: Asked) -> tuple[int, Any]:
        while len(sh.gateway.at("/oauth2/token")) == 2 and not gone.exists():
            time.sleep(0.05)
        return lender(one)

    sh.gateway.says["/oauth2/token"] = slow
    said = await sh.process(*python(f"import time; time.sleep(2); open({str(gone)!r}, 'w'); raise SystemExit(7)"))

    assert said.code == 7
    assert len(lent(sh)) == 2
    assert revoked(sh) == lent(sh)


async def test_ctrl_c_before_the_command_is_there_gives_back_what_was_on_its_way(sh: Shell, tmp_path: Path):
    lender = lending(sh)
    process = await sh.start("run", "-c", "aws/reports", "--refresh", "endpoint", "--", "touch", str(tmp_path / "ran"))

    def late(one: Asked) -> tuple[int, Any]:
        os.kill(process.pid, signal.SIGINT)
        return lender(one)

    sh.gateway.says["/oauth2/token"] = late
    said = await ended(process)

    assert (said.code, said.out, said.err) == (128 + signal.SIGINT, "", "")
    assert revoked(sh) == lent(sh)
    assert not (tmp_path / "ran").exists()


async def test_what_is_none_of_awss_is_given_back_and_the_command_is_not_started(sh: Shell, tmp_path: Path):
    lending(sh, parts=False)
    said = await sh.process("run", "-c", "aws/reports", "--refresh", "endpoint", "--", "touch", str(tmp_path / "ran"))

    assert said.code == 125
    assert "no_aws_credential" in said.err
    assert revoked(sh) == lent(sh)
    assert not (tmp_path / "ran").exists()


async def test_a_folder_that_cannot_be_written_is_told(sh: Shell, tmp_path: Path):
    """The credential that was lent for it is given back."""
    lending(sh)
    (tmp_path / "file").touch()
    for name in ("TMPDIR", "TEMP", "TMP"):
        sh.env[name] = str(tmp_path / "file")
    code = f"import tempfile; tempfile.tempdir = {str(tmp_path / 'file')!r}; from counterfoil.cli.main import main; main()"
    process = await sh.start(*python("raise SystemExit(9)"), program=("-c", code))
    said = await ended(process)

    assert said.code == 125
    assert "no_endpoint" in said.err
    assert "TMPDIR" in said.err
    assert revoked(sh) == lent(sh)


@pytest.mark.parametrize("connectors", [("postgres/demo",), ("aws/a", "postgres/demo"), ("KEY=aws/a",)])
async def test_it_is_for_one_aws_connector(sh: Shell, connectors: tuple[str, ...]):
    given = [word for one in connectors for word in ("-c", one)]
    said = await sh("run", *given, "--refresh", "endpoint", "--", "true")

    assert said.code == 125
    assert "--refresh" in said.err
    assert sh.gateway.asked == []


async def test_without_it_botocore_finds_the_keys_themselves(sh: Shell):
    """And neither a profile nor a region that the machine's owner has set."""
    lending(sh)
    theirs = {
        "AWS_PROFILE": "missing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_SECURITY_TOKEN": "theirs",
        "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z",
    }
    sh.env |= theirs
    said = await sh.process("run", "-c", "aws/reports", "--no-mask", "--", sys.executable, "-c", ALONE)

    assert (said.out, said.err) == ("env ASIA1 canary-session-1 eu-central-1\n", "")
    assert revoked(sh) == lent(sh)


class Denying:
    """Thrice, and then no longer."""

    def __init__(self, fresh: Credential) -> None:
        self.asked, self.fresh = 0, fresh

    async def exchange(self, *_: object, **__: object) -> Credential:
        self.asked += 1
        if self.asked < 4:
            raise Denied("no_link", "words", fix="do this")
        return self.fresh


async def test_a_denial_is_told_once_and_asked_about_again(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(serving, "DENIED_PAUSE", timedelta(0))
    parts = {name: Secret(name) for name in ("access_key_id", "secret_access_key", "session_token")}
    ends = datetime.now(UTC) + timedelta(hours=1)
    fresh = Credential(UUID(int=1), UUID(int=2), "aws/reports", frozenset(), (), ends, "N_A", Receipt(0, "", None, "given"), Secret("a"), parts)
    endpoint, child, over, cf = Endpoint(replace(fresh, expires_at=datetime.now(UTC))), MagicMock(), asyncio.Event(), Denying(fresh)
    child.hide.side_effect = lambda _: over.set()
    errand = Errand(["true"], {Place("aws/reports"): {"scopes": (), "details": (), "lifetime": None}}, "endpoint", masked=True)
    await serving.Serving(cast("Client", cf), errand, MagicMock())._renewing(child, endpoint, over)

    assert (cf.asked, endpoint.credential) == (4, fresh)
    assert capsys.readouterr().err.count("no_link") == 1
