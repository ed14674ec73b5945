"""Azure: workload identity's file and Entra, App Service, the machine's metadata service."""

import json
from base64 import urlsafe_b64encode
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil import NoIdentity
from counterfoil.client.ambient.azure import ASSERTION, MACHINE
from tests.client.ambient.platform import AUDIENCE, JWT, found, no, offering

GOOD = JSONResponse({"access_token": JWT, "expires_on": "2000000000", "resource": AUDIENCE, "token_type": "Bearer"})


def managed(header: str, value: str, version: str, **more: str):
    def answering(request: Request, _: bytes) -> Response:
        if request.headers.get(header) != value:
            return no("header", 401)
        wanted = {"api-version": version, "resource": AUDIENCE} | more
        return GOOD if dict(request.query_params) == wanted else no("resource")

    return answering


async def test_app_services_endpoint_is_asked_with_its_header():
    async with offering({"GET /msi/token": managed("x-identity-header", "canary-h", "2019-08-01")}) as service:
        got = await found({"IDENTITY_ENDPOINT": f"{service.url}/msi/token", "IDENTITY_HEADER": "canary-h"})
        with pytest.raises(NoIdentity, match="App Service's identity endpoint answered HTTP 401") as raised:
            await found({"IDENTITY_ENDPOINT": f"{service.url}/msi/token", "IDENTITY_HEADER": "canary-wrong"})

    assert (got.source, got.token.text()) == ("Azure", JWT)
    assert "canary" not in str(raised.value)


async def test_an_endpoint_without_its_header_is_not_app_service():
    with pytest.raises(NoIdentity, match="IDENTITY_ENDPOINT with IDENTITY_HEADER is not set"):
        await found({"IDENTITY_ENDPOINT": "http://127.0.0.1:1"})


def machine(root: Path) -> Path:
    file = root / "sys/class/dmi/id/chassis_asset_tag"
    file.parent.mkdir(parents=True)
    file.write_text(f"{MACHINE}\n")
    return root


@pytest.mark.parametrize("client", [{}, {"client_id": "c-1"}])
async def test_a_machine_asks_its_metadata_service(tmp_path: Path, client: dict[str, str]):
    async with offering({"GET /metadata/identity/oauth2/token": managed("metadata", "true", "2018-02-01", **client)}) as service:
        env = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": service.url} | ({"AZURE_CLIENT_ID": "c-1"} if client else {})
        assert (await found(env, machine(tmp_path))).token.text() == JWT


async def test_a_resource_that_nobody_registered_says_what_to_register(tmp_path: Path):
    async with offering({"GET /metadata/identity/oauth2/token": lambda *_: no("AADSTS500011")}) as service:
        with pytest.raises(NoIdentity, match="HTTP 400") as raised:
            await found({"AZURE_POD_IDENTITY_AUTHORITY_HOST": service.url}, machine(tmp_path))

    assert AUDIENCE in raised.value.fix


def federated(tmp_path: Path, audience: str) -> tuple[str, dict[str, str]]:
    claims = urlsafe_b64encode(json.dumps({"aud": [audience]}).encode()).decode().rstrip("=")
    file = tmp_path / "azure-identity-token"
    file.write_text(f"e30.{claims}.c2ln")
    return file.read_text(), {"AZURE_FEDERATED_TOKEN_FILE": str(file), "AZURE_TENANT_ID": "t-1", "AZURE_CLIENT_ID": "c-1"}


async def test_the_clusters_token_is_sent_where_it_is_for_us(tmp_path: Path):
    held, env = federated(tmp_path, AUDIENCE)

    assert (await found(env)).token.text() == held


async def test_else_entra_gives_one_for_it(tmp_path: Path):
    held, env = federated(tmp_path, "api://AzureADTokenExchange")

    def entra(_: Request, body: bytes) -> Response:
        wanted = {
            "grant_type": "client_credentials", "client_id": "c-1", "scope": f"{AUDIENCE}/.default", "client_assertion_type": ASSERTION,
            "client_assertion": held,
        }  # fmt: skip
        return GOOD if dict(parse_qsl(body.decode())) == wanted else no("form")

    async with offering({"POST /t-1/oauth2/v2.0/token": entra}) as login:
        got = await found(env | {"AZURE_AUTHORITY_HOST": f"{login.url}/"})
        with pytest.raises(NoIdentity, match="Microsoft Entra answered HTTP 400") as raised:
            await found(env | {"AZURE_AUTHORITY_HOST": login.url, "AZURE_CLIENT_ID": "c-2"})

    assert got.token.text() == JWT
    assert held not in str(raised.value)


async def test_a_pod_without_its_annotation_says_so(tmp_path: Path):
    _, env = federated(tmp_path, "api://AzureADTokenExchange")
    with pytest.raises(NoIdentity, match="AZURE_TENANT_ID or AZURE_CLIENT_ID is missing"):
        await found(env | {"AZURE_CLIENT_ID": ""})
