"""Google Cloud's metadata server, and the IAM Credentials API."""

import json
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from counterfoil import NoIdentity
from counterfoil.client.ambient.asking import usual
from tests.client.ambient.platform import AUDIENCE, JWT, found, no, offering

BASE = "/computeMetadata/v1/instance/service-accounts/default"
FLAVOR = {"Metadata-Flavor": "Google"}
OTHER = "lender@acme.iam.gserviceaccount.com"


def metadata(answer: Response, **query: str):
    def answering(request: Request, _: bytes) -> Response:
        if request.headers.get("metadata-flavor") != "Google" or "x-forwarded-for" in request.headers:
            return no("no flavor", 403)
        if dict(request.query_params) != query:
            return no("for whom")
        answer.headers.update(FLAVOR)
        return answer

    return answering


IDENTITY = metadata(PlainTextResponse(JWT), audience=AUDIENCE, format="full")


async def test_the_metadata_server_signs_a_token_for_our_audience():
    async with offering({f"GET {BASE}/identity": IDENTITY}) as server:
        got = await found({"GCE_METADATA_HOST": server.url.removeprefix("http://")})

    assert (got.source, got.token.text()) == ("Google Cloud", JWT)


async def test_what_does_not_answer_like_google_is_not_believed():
    async with offering({f"GET {BASE}/identity": lambda *_: PlainTextResponse(JWT)}) as server:
        with pytest.raises(NoIdentity, match="is not Google's metadata server"):
            await found({"GCE_METADATA_HOST": server.url.removeprefix("http://")})


async def test_a_machine_without_an_account_says_so():
    async with offering({}) as server:
        with pytest.raises(NoIdentity, match="HTTP 404") as raised:
            await found({"GCE_METADATA_HOST": server.url.removeprefix("http://")})

    assert "attach a service account" in raised.value.fix


@pytest.mark.parametrize("product", ["Google", "Google Compute Engine"])
async def test_a_google_machine_is_known_by_its_product_name(tmp_path: Path, product: str):
    file = tmp_path / "sys/class/dmi/id/product_name"
    file.parent.mkdir(parents=True)
    file.write_text(f"{product}\n")

    def away(_near: bool, _socket: str | None) -> httpx.AsyncClient:
        def answer(request: httpx.Request) -> httpx.Response:
            assert request.url.host == "metadata.google.internal"
            raise httpx.ConnectError("away")

        return httpx.AsyncClient(transport=httpx.MockTransport(answer))

    with pytest.raises(NoIdentity, match="Google's metadata server could not be reached"):
        await found({}, tmp_path, away)


async def test_another_accounts_token_comes_from_the_iam_credentials_api():
    def generate(request: Request, body: bytes) -> Response:
        if request.headers["host"] != "iamcredentials.googleapis.com" or request.headers.get("authorization") != "Bearer canary-access":
            return no("who", 401)
        return JSONResponse({"token": JWT}) if json.loads(body) == {"audience": AUDIENCE, "includeEmail": True} else no("for whom")

    answers = {
        f"GET {BASE}/token": metadata(JSONResponse({"access_token": "canary-access", "expires_in": 3599, "token_type": "Bearer"})),
        f"POST /v1/projects/-/serviceAccounts/{OTHER}:generateIdToken": generate,
    }
    async with offering(answers) as server:
        away = server.detour("iamcredentials.googleapis.com")
        env = {"GCE_METADATA_HOST": server.url.removeprefix("http://"), "COUNTERFOIL_GOOGLE_SERVICE_ACCOUNT": OTHER}
        got = await found(env, open_=lambda near, socket: usual(near, socket) if near else away(near, socket))
        with pytest.raises(NoIdentity, match="HTTP 404") as raised:
            await found(env | {"COUNTERFOIL_GOOGLE_SERVICE_ACCOUNT": "nobody@x"}, open_=lambda near, socket: (usual if near else away)(near, socket))

    assert got.token.text() == JWT
    assert "serviceAccountOpenIdTokenCreator on nobody@x" in raised.value.fix
    assert "canary" not in str(raised.value)
