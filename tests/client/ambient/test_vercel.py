"""Vercel: the token of the request, of the build, and the exchange for our audience."""

import asyncio
import json
from base64 import urlsafe_b64encode

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from counterfoil import NoIdentity
from counterfoil.client.ambient import vercel
from tests.client.ambient.platform import AUDIENCE, JWT, found, no, offering


def token(audience: str, name: str = "web") -> str:
    claims = urlsafe_b64encode(json.dumps({"aud": audience, "project": name}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


MINE = token("https://vercel.com/acme")


def exchange(request: Request, body: bytes) -> Response:
    if request.headers["host"] != "oidc.vercel.com" or request.headers.get("content-type") != "application/json":
        return no("not here")
    return JSONResponse({"token": JWT, "expiry": 2_000_000_000}) if json.loads(body) == {"token": MINE, "aud": AUDIENCE} else no("for whom", 403)


async def test_the_builds_token_is_exchanged_for_one_of_our_audience():
    async with offering({"POST /~token": exchange}) as issuer:
        got = await found({"VERCEL": "1", "VERCEL_OIDC_TOKEN": MINE}, open_=issuer.detour("oidc.vercel.com"))

    assert (got.source, got.token.text()) == ("Vercel", JWT)


async def test_a_token_that_is_for_us_already_is_sent_as_it_is():
    ours = token(AUDIENCE)

    assert (await found({"VERCEL": "1", "VERCEL_OIDC_TOKEN": ours})).token.text() == ours


async def test_the_requests_token_goes_before_the_builds_and_ends_with_the_request():
    env = {"VERCEL": "1", "VERCEL_OIDC_TOKEN": token(AUDIENCE, "build")}
    with vercel.request({"X-Vercel-Oidc-Token": token(AUDIENCE, "function")}):
        assert (await found(env)).token.text() == token(AUDIENCE, "function")

    assert (await found(env)).token.text() == token(AUDIENCE, "build")


async def test_two_requests_at_once_have_each_its_own():
    async def one(name: str) -> str:
        with vercel.request({"x-vercel-oidc-token": token(AUDIENCE, name)}):
            await asyncio.sleep(0)
            return (await found({"VERCEL": "1"})).token.text()

    assert tuple(await asyncio.gather(one("a"), one("b"))) == (token(AUDIENCE, "a"), token(AUDIENCE, "b"))


async def test_without_a_token_it_says_what_to_turn_on():
    with vercel.request({}), pytest.raises(NoIdentity, match="x-vercel-oidc-token") as raised:
        await found({"VERCEL": "1"})

    assert "OIDC" in raised.value.fix


async def test_an_exchange_that_is_refused_is_an_error():
    async with offering({"POST /~token": exchange}) as issuer:
        with pytest.raises(NoIdentity, match="HTTP 403") as raised:
            await found({"VERCEL_OIDC_TOKEN": token("https://vercel.com/other")}, open_=issuer.detour("oidc.vercel.com"))

    assert "canary" not in str(raised.value)
