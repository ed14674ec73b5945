"""Whatever happens behind a door, its caller gets a problem document: what may be tried again says so, and an accident tells nothing."""

import asyncio

import asyncpg
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.answering import Dialect, Door

SECRET = "postgresql://gateway:hunter2@db/counterfoil"


async def answer(raised: BaseException, dialect: Dialect = "v1") -> httpx.Response:
    async def endpoint(_: Request) -> Response:
        raise raised

    transport = httpx.ASGITransport(Door(endpoint, dialect, "http://gateway.test"))
    async with httpx.AsyncClient(transport=transport) as http:
        return await http.get("http://gateway.test/any")


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, SECRET), TimeoutError(SECRET), asyncpg.InterfaceError(SECRET), asyncpg.ConnectionDoesNotExistError(SECRET),
        asyncpg.AdminShutdownError(SECRET), asyncpg.CannotConnectNowError(SECRET), asyncpg.TooManyConnectionsError(SECRET),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
async def test_a_database_that_is_away_is_a_503_that_may_be_tried_again(error: Exception):
    answered = await answer(error)

    assert answered.status_code == 503
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.headers["retry-after"] == "1"
    assert answered.json()["code"] == "unavailable"
    assert answered.json()["retryable"] is True
    assert "hunter2" not in answered.text


async def test_a_request_that_a_gateway_has_no_time_to_end_is_told_so():
    answered = await answer(asyncio.CancelledError(), "oauth")

    assert answered.status_code == 503
    assert answered.json()["error"] == "temporarily_unavailable"
    assert answered.json()["message"] == "this gateway is ending"


@pytest.mark.parametrize(
    "error", [KeyError(SECRET), asyncpg.UndefinedColumnError(SECRET), RuntimeError(SECRET)], ids=lambda error: type(error).__name__
)
async def test_an_accident_is_a_500_that_tells_nothing(error: Exception, caplog: pytest.LogCaptureFixture):
    answered = await answer(error)

    assert answered.status_code == 500
    assert answered.json()["code"] == "internal"
    assert "hunter2" not in answered.text
    assert [record.message for record in caplog.records] == ["accident"]
