"""CI agents that are asked by their own command: real programs, which look at their arguments as the real ones do."""

import json
from pathlib import Path

import pytest

from counterfoil import NoIdentity
from tests.client.ambient.platform import AUDIENCE, JWT, found


def program(folder: Path, name: str, text: str) -> dict[str, str]:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


BUILDKITE = f"""
test "$1 $2 $3" = "oidc request-token --audience" && test "$4" = "{AUDIENCE}" && test $# = 4 || exit 64
test "$BUILDKITE_AGENT_ACCESS_TOKEN" = "of the job" || exit 65
echo {JWT}"""
CIRCLECI = f"""
test "$1 $2 $3 $4" = "run oidc get --claims" && test "$5" = '{json.dumps({"aud": AUDIENCE})}' && test $# = 5 || exit 64
echo {JWT}"""


async def test_buildkites_agent_is_asked_in_the_jobs_environment(tmp_path: Path):
    env = program(tmp_path, "buildkite-agent", BUILDKITE)
    got = await found(env | {"BUILDKITE": "true", "BUILDKITE_AGENT_ACCESS_TOKEN": "of the job"})

    assert (got.source, got.token.text()) == ("Buildkite", JWT)


async def test_circlecis_command_is_asked_and_its_variable_is_not_used(tmp_path: Path):
    env = program(tmp_path, "circleci", CIRCLECI)
    got = await found(env | {"CIRCLECI": "true", "CIRCLE_OIDC_TOKEN_V2": "for.circleci.itself"})

    assert (got.source, got.token.text()) == ("CircleCI", JWT)


async def test_a_command_that_fails_is_an_error_with_its_code(tmp_path: Path):
    env = program(tmp_path, "buildkite-agent", BUILDKITE)
    with pytest.raises(NoIdentity, match="buildkite-agent oidc request-token ended with 65") as raised:
        await found(env | {"BUILDKITE": "true"})

    assert "3.48" in raised.value.fix


async def test_a_command_that_is_not_there_is_an_error():
    with pytest.raises(NoIdentity, match="circleci cannot be run: No such file"):
        await found({"CIRCLECI": "true"})


async def test_a_command_that_says_something_else_gives_no_token(tmp_path: Path):
    env = program(tmp_path, "buildkite-agent", "echo 'a canary of words'")
    with pytest.raises(NoIdentity, match="no token") as raised:
        await found(env | {"BUILDKITE": "true"})

    assert "canary" not in str(raised.value)
