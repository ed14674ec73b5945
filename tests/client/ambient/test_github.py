"""GitHub Actions' token service."""

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil import NoIdentity
from tests.client.ambient.platform import AUDIENCE, JWT, found, gone, no, offering

BEARER = "canary-request-token"


def service(request: Request, _: bytes) -> Response:
    if request.headers.get("authorization") != f"Bearer {BEARER}":
        return no("who are you", 401)
    if dict(request.query_params) != {"api-version": "2.0", "audience": AUDIENCE}:
        return no("for whom")
    return JSONResponse({"count": 1, "value": JWT})


def env(url: str, bearer: str = BEARER) -> dict[str, str]:
    return {
        "GITHUB_ACTIONS": "true", "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/_apis/token?api-version=2.0", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": bearer,
    }  # fmt: skip


async def test_the_job_asks_for_our_audience_with_its_request_token():
    async with offering({"GET /_apis/token": service}) as github:
        got = await found(env(github.url))

    assert (got.token.text(), got.source) == (JWT, "GitHub Actions")


async def test_without_the_permission_it_says_which():
    with pytest.raises(NoIdentity, match="ACTIONS_ID_TOKEN_REQUEST_URL is missing") as raised:
        await found({"GITHUB_ACTIONS": "true"})

    assert "id-token: write" in raised.value.fix


async def test_a_refusal_repeats_neither_question_nor_answer():
    async with offering({"GET /_apis/token": service}) as github:
        with pytest.raises(NoIdentity, match="answered HTTP 401") as raised:
            await found(env(github.url, "canary-stolen"))

    assert "canary" not in str(raised.value) + raised.value.fix
    assert raised.value.__context__ is None or "canary" not in repr(raised.value.__context__)


async def test_a_service_that_is_away_is_an_error_and_not_a_reason_to_look_further():
    with pytest.raises(NoIdentity, match="could not be reached: ConnectError"):
        await found(env(f"http://{await gone()}") | {"BITBUCKET_STEP_OIDC_TOKEN": JWT})


@pytest.mark.parametrize(
    "answer", [JSONResponse({}), JSONResponse([]), JSONResponse({"value": 1}), Response("canary"), JSONResponse({"value": "a b"})]
)
async def test_an_answer_that_has_no_token_is_none(answer: Response):
    async with offering({"GET /_apis/token": lambda *_: answer}) as github:
        with pytest.raises(NoIdentity) as raised:
            await found(env(github.url))

    assert "canary" not in str(raised.value)
