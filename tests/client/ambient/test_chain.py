"""The chain: order, where it stops, and one error that lists every attempt."""

from pathlib import Path

import pytest

from counterfoil import NoIdentity
from counterfoil.client.ambient.chain import NOTHING, sources, walk
from counterfoil.client.ambient.source import Around
from counterfoil.client.identity import Identity
from tests.client.ambient.platform import AUDIENCE, JWT, found

EVERY = (
    "given", "GitHub Actions", "GitLab CI", "Bitbucket Pipelines", "HCP Terraform", "Spacelift", "Buildkite", "CircleCI", "Kubernetes", "Vercel",
    "AWS", "Google Cloud", "Azure", "SPIFFE", "Fly.io", "developer login",
)  # fmt: skip


async def never() -> str:
    raise AssertionError("nobody wanted an audience")


async def test_where_nothing_is_there_every_source_is_listed_with_what_was_looked_for(tmp_path: Path):
    with pytest.raises(NoIdentity) as raised:
        await walk(Around({"HOME": str(tmp_path)}, tmp_path), never)

    assert tuple(one.source for one in raised.value.tried) == EVERY == tuple(one.name for one in sources())
    assert {one.outcome for one in raised.value.tried} == {"absent"}
    for source, looked_for in {
        "given": "COUNTERFOIL_ID_TOKEN is not set, COUNTERFOIL_ID_TOKEN_FILE is not set", "GitHub Actions": "GITHUB_ACTIONS is not set",
        "Kubernetes": "there is no /var/run/secrets/counterfoil/token", "SPIFFE": "SPIFFE_ENDPOINT_SOCKET is not set",
        "AWS": "AWS_EXECUTION_ENV", "Google Cloud": "GCE_METADATA_HOST", "Azure": "AZURE_FEDERATED_TOKEN_FILE", "Fly.io": "/.fly/api",
        "developer login": "counterfoil login",
    }.items():  # fmt: skip
        assert any(line.strip().startswith(f"{source}: ") and looked_for in line for line in str(raised.value).splitlines()), source
    assert raised.value.fix == NOTHING


async def test_the_first_that_is_there_and_fails_ends_it():
    with pytest.raises(NoIdentity) as raised:
        await found({"GITHUB_ACTIONS": "true", "SPACELIFT_OIDC_TOKEN": JWT})

    assert [(one.source, one.outcome) for one in raised.value.tried] == [("given", "absent"), ("GitHub Actions", "failed")]
    assert raised.value.fix == raised.value.tried[-1].fix != NOTHING


async def test_what_was_given_goes_before_every_platform():
    got = await walk(Around({"COUNTERFOIL_ID_TOKEN": JWT, "GITHUB_ACTIONS": "true"}), never)

    assert (got.source, got.token.text()) == ("given", JWT)


async def test_the_exchange_is_asked_for_its_audience_only_where_a_platform_wants_it():
    asked: list[str] = []

    async def audience() -> str:
        asked.append("once")
        return AUDIENCE

    identity = Identity(None, {"GITLAB_CI": "true"}, audience=audience)
    with pytest.raises(NoIdentity) as raised:
        await identity.token()

    assert asked == ["once"]
    assert AUDIENCE in raised.value.fix


async def test_an_audience_of_the_environment_goes_before_the_exchanges():
    with pytest.raises(NoIdentity) as raised:
        await walk(Around({"GITLAB_CI": "true", "COUNTERFOIL_AUDIENCE": "api://ours"}), never)

    assert "aud: api://ours" in raised.value.fix


async def test_without_anybody_to_ask_the_audience_is_missed():
    with pytest.raises(NoIdentity) as raised:
        await Identity(None, {"GITLAB_CI": "true"}).token()

    assert "COUNTERFOIL_AUDIENCE" in raised.value.fix
