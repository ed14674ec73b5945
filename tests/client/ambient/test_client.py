"""The SDK as it stands on a platform: no token is given, and the gateway says for whom one is asked."""

import os
from unittest.mock import patch

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from counterfoil import Client, NoIdentity
from tests.cli.shell import CLEAN, shell
from tests.client.ambient.platform import JWT, found, no, offering

GATEWAYS = "http://gateway"
"""The audience of the stand-in."""


def service(request: Request, _: bytes) -> Response:
    return JSONResponse({"value": JWT}) if request.query_params.get("audience") == GATEWAYS else no("for whom")


async def test_the_client_asks_the_platform_for_the_audience_that_the_gateway_names():
    async with offering({"GET /token": service}) as github, shell() as sh:
        env = {"GITHUB_ACTIONS": "true", "ACTIONS_ID_TOKEN_REQUEST_URL": f"{github.url}/token", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "b"}
        with patch.dict(os.environ, CLEAN | env, clear=True):
            async with Client(sh.url) as cf:
                await cf.exchange("postgres/demo")

    (asked,) = sh.gateway.at("/oauth2/token")
    assert asked.body["subject_token"] == JWT


async def test_a_redirect_is_not_followed_with_what_proves_who_we_are():
    async with (
        offering({"GET /there": lambda *_: JSONResponse({"value": JWT})}) as elsewhere,
        offering({"GET /token": lambda *_: RedirectResponse(f"{elsewhere.url}/there")}) as github,
    ):
        env = {"GITHUB_ACTIONS": "true", "ACTIONS_ID_TOKEN_REQUEST_URL": f"{github.url}/token", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "b"}
        with pytest.raises(NoIdentity, match="answered HTTP 307"):
            await found(env)

    assert elsewhere.asked == []
