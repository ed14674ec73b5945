"""What AWS starts, by its own protocol, and what each helper loads before it has to."""

import asyncio
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session as Botocore  # type: ignore[import-untyped]

from counterfoil.cli import aws, borrowing, docker_credential, git_credential
from counterfoil.cli.help_pages import pages
from counterfoil.cli.main import QUICK
from tests.cli.shell import CLEAN, Shell
from tests.cli.stand_in import CREDENTIAL_ID, Asked, no

AWS = {"access_key_id": "ASIAEXAMPLE", "secret_access_key": "canary-of-aws", "session_token": "session-canary"}
PROBE = """
import sys
from counterfoil.cli.{module} import {function}
try:
    {call}
except SystemExit:
    pass
print([name for name in ("typer", "httpx", "pydantic", "asyncio", "cryptography") if name in sys.modules], file=sys.stderr)
"""


def lends(sh: Shell, parts: Mapping[str, str], token: str = "the-token") -> None:
    def lend(asked: Asked) -> tuple[int, Any]:
        status, body = sh.gateway.lend(asked)
        return status, body | {"access_token": token, "credential": dict(parts)}

    sh.gateway.says["/oauth2/token"] = lend


def profile(tmp_path: Path, *words: str) -> Botocore:
    """Of botocore, with nothing but a profile that names our command."""
    command = " ".join([sys.executable, "-P", "-m", "counterfoil.cli.main", "credential-process", *words])
    (tmp_path / "config").write_text(f"[profile acme]\nregion = eu-central-1\ncredential_process = {command}\n")
    session = Botocore(profile="acme")
    session.set_config_variable("config_file", str(tmp_path / "config"))
    return session


@pytest.fixture
def aws_env(sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore starts the command in the environment that it has itself."""
    for name, value in {"COUNTERFOIL_URL": sh.url, **sh.env}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("aws_env")
async def test_botocore_reads_what_credential_process_prints(sh: Shell, tmp_path: Path):
    lends(sh, AWS)
    session = profile(tmp_path, "aws/acme", "--scope", "s3:read")

    def read() -> Any:
        credentials = session.get_credentials()
        assert credentials is not None
        return credentials.get_frozen_credentials()

    found = await asyncio.to_thread(read)

    assert (found.access_key, found.secret_key, found.token) == tuple(AWS.values())
    (asked, *_) = sh.gateway.at("/oauth2/token")
    assert (asked.body["audience"], asked.body["scope"], asked.body["requested_lifetime"]) == ("aws/acme", "s3:read", "3600")


@pytest.mark.usefixtures("aws_env")
async def test_botocore_is_told_of_a_denial(sh: Shell, tmp_path: Path):
    sh.gateway.says["/oauth2/token"] = no("no_link", 400)
    session = profile(tmp_path, "aws/acme")

    with pytest.raises(Exception, match="no_link"):
        await asyncio.to_thread(session.get_credentials)


async def test_what_is_no_aws_credential_is_not_given_to_aws(sh: Shell):
    said = await sh("credential-process", "postgres/demo")

    assert (said.code, said.out) == (1, "")
    assert "no_aws_credential" in said.err
    assert [one.body["token"] for one in sh.gateway.at("/oauth2/revoke")] == [CREDENTIAL_ID]


def test_the_document_is_as_aws_has_it():
    found = aws.document(AWS, datetime(2026, 11, 24, 12, 0, 0, 999999, UTC))

    assert found == {
        "Version": 1, "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "canary-of-aws", "SessionToken": "session-canary",
        "Expiration": "2026-11-24T12:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("module", "function", "call"),
    [
        ("git_credential", "main", "main(['-c', 'github/acme-bot', 'store'])"),
        ("git_credential", "main", "main(['--help'])"),
        ("docker_credential", "main", "main(['get'])"),
        ("aws", "serve", "serve(['--help'])"),
        ("main", "main", "main(['credential-process'])"),
        ("kubectl", "serve", "serve(['--help'])"),
        ("main", "main", "main(['exec-credential'])"),
    ],
)
def test_a_helper_loads_nothing_before_it_is_needed(module: str, function: str, call: str):
    code = PROBE.format(module=module, function=function, call=call)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, input="", env=CLEAN | {"PATH": os.defpath})

    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("module", ["git_credential", "docker_credential", "aws", "kubectl"])
def test_a_helper_never_loads_typer(module: str):
    """Not even where it asks: what they share with the verbs must not bring it."""
    code = f"import sys, counterfoil.cli.{module}, counterfoil.cli.session; print('typer' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


@pytest.mark.parametrize("name", QUICK)
def test_the_verb_and_the_quick_way_have_the_same_options(name: str):
    (page,) = (page for page in pages() if page.name == name)
    quick = borrowing.parser("", "", "1h")

    assert {name for names, _ in page.options for name in names} == {
        name for action in quick._actions for name in action.option_strings if name not in ("-h", "--help")
    }


def test_the_package_installs_the_helpers_by_the_names_that_git_and_docker_look_for():
    scripts = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["scripts"]

    assert scripts["git-credential-counterfoil"] == f"{git_credential.__name__}:main"
    assert scripts["docker-credential-counterfoil"] == f"{docker_credential.__name__}:main"
