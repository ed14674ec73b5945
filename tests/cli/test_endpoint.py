"""counterfoil run --refresh endpoint: who is given what there, and that nothing is left of it at the end."""

import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.sessions import SHOWS, fetched, lending, lent, python, revoked, seen
from tests.cli.shell import Shell, ended
from tests.cli.stand_in import Asked

ALONE = """
from botocore.session import Session
session = Session()
found = session.get_credentials()
print(found.method, found.access_key, found.token, session.get_config_variable("region"))
"""
OURS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


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


@pytest.mark.parametrize("options", [(), ("--refresh", "endpoint")])
async def test_ctrl_c_before_the_command_is_there_gives_back_what_was_on_its_way(sh: Shell, tmp_path: Path, options: tuple[str, ...]):
    lender = lending(sh)
    process = await sh.start("run", "-c", "aws/reports", *options, "--", "touch", str(tmp_path / "ran"))

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
