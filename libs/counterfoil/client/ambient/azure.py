"""Azure: workload identity (AKS), App Service and its kin, and managed identities of machines.

https://azure.github.io/azure-workload-identity/docs/
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from pathlib import Path

from counterfoil.client.ambient.asking import answer, member
from counterfoil.client.ambient.peek import audiences
from counterfoil.client.ambient.source import Around, Failed, Source, from_file, unset
from counterfoil.wire.secret import Secret

FILE, ENDPOINT, HEADER = "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"
MACHINE = "7783-7084-3265-9085-8269-3286-77"
"""The chassis tag of every machine of Azure's."""
METADATA, METADATA_HOST = "http://169.254.169.254", "AZURE_POD_IDENTITY_AUTHORITY_HOST"
REGISTER = "register an application whose Application ID URI is the audience ({audience}), in the tenant of this identity"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def missing(around: Around) -> str | None:
    service = bool(around.env.get(ENDPOINT) and around.env.get(HEADER))
    if around.env.get(FILE) or service or around.line("/sys/class/dmi/id/chassis_asset_tag") == MACHINE:
        return None
    return f"{unset(around, FILE)}, {ENDPOINT} with {HEADER} is not set, and this is no machine of Azure's"


async def token(around: Around, audience: str) -> Secret:
    if around.env.get(FILE):
        return await federated(around, audience)
    query = {"resource": audience} | ({"client_id": around.env["AZURE_CLIENT_ID"]} if around.env.get("AZURE_CLIENT_ID") else {})
    fix = REGISTER.format(audience=audience) + "; with several identities here, set AZURE_CLIENT_ID"
    if around.env.get(ENDPOINT) and around.env.get(HEADER):
        what, url, headers, version = "App Service's identity endpoint", around.env[ENDPOINT], {"X-IDENTITY-HEADER": around.env[HEADER]}, "2019-08-01"
    else:
        what, headers, version = "Azure's metadata service", {"Metadata": "true"}, "2018-02-01"
        url = f"{around.env.get(METADATA_HOST) or METADATA}/metadata/identity/oauth2/token"
    response = await answer(around, "GET", url, what=what, fix=fix, near=True, headers=headers, params={"api-version": version} | query)
    return Secret(member(response, "access_token", what))


async def federated(around: Around, audience: str) -> Secret:
    """The file's token is the cluster's. It is sent where it is for our audience; else Entra gives one for it."""
    held = Secret(from_file(Path(around.env[FILE]), FILE, "is the pod labelled azure.workload.identity/use: true?").strip())
    if audiences(held) == [audience]:
        return held
    tenant, client = around.env.get("AZURE_TENANT_ID"), around.env.get("AZURE_CLIENT_ID")
    if not tenant or not client:
        raise Failed("AZURE_TENANT_ID or AZURE_CLIENT_ID is missing", "annotate the service account: azure.workload.identity/client-id")
    host = (around.env.get("AZURE_AUTHORITY_HOST") or "https://login.microsoftonline.com").rstrip("/")
    form = {
        "grant_type": "client_credentials", "client_id": client, "scope": f"{audience}/.default", "client_assertion_type": ASSERTION,
        "client_assertion": held.text(),
    }  # fmt: skip
    what = "Microsoft Entra"
    response = await answer(around, "POST", f"{host}/{tenant}/oauth2/v2.0/token", what=what, fix=REGISTER.format(audience=audience), data=form)
    return Secret(member(response, "access_token", what))


SOURCES = (Source("Azure", missing, token),)
