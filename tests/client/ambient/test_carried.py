"""Platforms that put the token into a variable."""

import pytest

from counterfoil import NoIdentity
from tests.client.ambient.platform import AUDIENCE, JWT, found


@pytest.mark.parametrize(
    ("source", "env"),
    [
        ("given", {"GITLAB_CI": "true", "COUNTERFOIL_ID_TOKEN": JWT}),
        ("Bitbucket Pipelines", {"BITBUCKET_BUILD_NUMBER": "7", "BITBUCKET_STEP_OIDC_TOKEN": JWT}),
        ("HCP Terraform", {"TFC_RUN_ID": "run-1", "TFC_WORKLOAD_IDENTITY_TOKEN_COUNTERFOIL": JWT, "TFC_WORKLOAD_IDENTITY_TOKEN": "other.to.ken"}),
        ("HCP Terraform", {"TFC_RUN_ID": "run-1", "TFC_WORKLOAD_IDENTITY_TOKEN": JWT}),
        ("Spacelift", {"SPACELIFT": "true", "SPACELIFT_OIDC_TOKEN": JWT}),
    ],
)
async def test_the_variable_has_it(source: str, env: dict[str, str]):
    got = await found(env)

    assert (got.source, got.token.text()) == (source, JWT)


@pytest.mark.parametrize(
    ("env", "variable", "says"),
    [
        ({"GITLAB_CI": "true"}, "COUNTERFOIL_ID_TOKEN", f"id_tokens: {{COUNTERFOIL_ID_TOKEN: {{aud: {AUDIENCE}}}}}"),
        ({"BITBUCKET_BUILD_NUMBER": "7"}, "BITBUCKET_STEP_OIDC_TOKEN", f"audiences: [{AUDIENCE}]"),
        ({"TFC_RUN_ID": "run-1"}, "TFC_WORKLOAD_IDENTITY_TOKEN_COUNTERFOIL", f"TFC_WORKLOAD_IDENTITY_AUDIENCE_COUNTERFOIL to {AUDIENCE}"),
        ({"SPACELIFT": "true"}, "SPACELIFT_OIDC_TOKEN", "issuer's entry"),
    ],
)
async def test_where_it_is_missing_the_fix_names_what_to_write(env: dict[str, str], variable: str, says: str):
    with pytest.raises(NoIdentity, match=variable) as raised:
        await found(env)

    assert says in raised.value.fix
