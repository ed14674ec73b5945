"""Platforms that put the token into a variable of the job, for the audience that its configuration names.

https://docs.gitlab.com/ci/secrets/id_token_authentication/
https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/manual-generation
https://docs.spacelift.io/integrations/cloud-providers/oidc
"""

from collections.abc import Awaitable, Callable

from counterfoil.client.ambient.source import Around, Failed, Source, unset

BITBUCKET, SPACELIFT = "BITBUCKET_STEP_OIDC_TOKEN", "SPACELIFT_OIDC_TOKEN"
TERRAFORM = ("TFC_WORKLOAD_IDENTITY_TOKEN_COUNTERFOIL", "TFC_WORKLOAD_IDENTITY_TOKEN")


def carried(fix: str, *names: str) -> Callable[[Around, str], Awaitable[str]]:
    """`fix` may name the audience."""

    async def token(around: Around, audience: str) -> str:
        found = next(filter(None, map(around.env.get, names)), None)
        if found is None:
            raise Failed(f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} missing", fix.format(audience=audience))
        return found

    return token


def here(*names: str) -> Callable[[Around], str | None]:
    return lambda around: unset(around, *names)


SOURCES = (
    Source(
        "GitLab CI", here("GITLAB_CI"), carried("add to the job: `id_tokens: {{COUNTERFOIL_ID_TOKEN: {{aud: {audience}}}}}`", "COUNTERFOIL_ID_TOKEN")
    ),
    Source(
        "Bitbucket Pipelines", here("BITBUCKET_BUILD_NUMBER", BITBUCKET), carried("add to the step: `oidc: {{audiences: [{audience}]}}`", BITBUCKET)
    ),
    Source(
        "HCP Terraform",
        here("TFC_RUN_ID", *TERRAFORM),
        carried("set TFC_WORKLOAD_IDENTITY_AUDIENCE_COUNTERFOIL to {audience} in the workspace", *TERRAFORM),
    ),
    Source(
        "Spacelift",
        here("SPACELIFT", SPACELIFT),
        carried("OIDC needs a paid plan; its audience is the account's host name, which the issuer's entry has to name", SPACELIFT),
    ),
)
