"""Google Cloud: the metadata server signs an identity token; for another service account the IAM Credentials API does.

https://cloud.google.com/compute/docs/instances/verifying-instance-identity
https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateIdToken
"""

from typing import Any

from counterfoil.client.ambient.asking import answer, member
from counterfoil.client.ambient.source import Around, Failed, Source, unset
from counterfoil.wire.secret import Secret

HOST, USUAL = "GCE_METADATA_HOST", "metadata.google.internal"
PRODUCTS = ("Google", "Google Compute Engine")
SERVERLESS = ("K_SERVICE", "CLOUD_RUN_JOB")
"""Cloud Run hides what machine it is."""
FLAVOR = {"Metadata-Flavor": "Google"}
IMPERSONATED = "COUNTERFOIL_GOOGLE_SERVICE_ACCOUNT"
IAM = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts"


def missing(around: Around) -> str | None:
    if around.line("/sys/class/dmi/id/product_name") in PRODUCTS or unset(around, HOST, *SERVERLESS) is None:
        return None
    return f"not a Google machine, and {unset(around, HOST, *SERVERLESS)}"


async def metadata(around: Around, path: str, **query: str) -> Any:
    what = "Google's metadata server"
    url = f"http://{around.env.get(HOST) or USUAL}/computeMetadata/v1/instance/service-accounts/default/{path}"
    fix = "attach a service account to this machine (on GKE: turn on Workload Identity)"
    response = await answer(around, "GET", url, what=what, fix=fix, near=True, headers=FLAVOR, params=query)
    if response.headers.get("metadata-flavor") != "Google":
        raise Failed(f"what answers at {HOST} is not {what}", f"unset {HOST}, or correct it")
    return response


async def token(around: Around, audience: str) -> Secret:
    email = around.env.get(IMPERSONATED)
    if email:
        return await impersonated(around, email, audience)
    return Secret((await metadata(around, "identity", audience=audience, format="full")).text)


async def impersonated(around: Around, email: str, audience: str) -> Secret:
    what = "Google's IAM Credentials API"
    access = Secret(member(await metadata(around, "token"), "access_token", "Google's metadata server"))
    response = await answer(
        around, "POST", f"{IAM}/{email}:generateIdToken", what=what,
        fix=f"grant this machine's account roles/iam.serviceAccountOpenIdTokenCreator on {email}, and turn on iamcredentials.googleapis.com",
        headers={"Authorization": f"Bearer {access.text()}"}, json={"audience": audience, "includeEmail": True},
    )  # fmt: skip
    return Secret(member(response, "token", what))


SOURCES = (Source("Google Cloud", missing, token),)
