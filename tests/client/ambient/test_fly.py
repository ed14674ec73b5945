"""Fly.io's API on the machine's unix socket."""

import json
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from counterfoil import NoIdentity
from tests.client.ambient.platform import AUDIENCE, JWT, found, no, offering, short_folder


def oidc(request: Request, body: bytes) -> Response:
    if request.headers.get("content-type") != "application/json" or json.loads(body) != {"aud": AUDIENCE}:
        return no("for whom")
    return PlainTextResponse(f"{JWT}\n")


async def test_the_machines_socket_is_asked():
    with short_folder() as folder:
        (Path(folder) / ".fly").mkdir()
        async with offering({"POST /v1/tokens/oidc": oidc}, Path(folder) / ".fly/api"):
            got = await found({}, Path(folder))
            with pytest.raises(NoIdentity, match="Fly's API answered HTTP 400"):
                await found({}, Path(folder), audience="https://else.example")

    assert (got.source, got.token.text()) == ("Fly.io", JWT)


async def test_a_socket_that_nobody_serves_is_an_error():
    with short_folder() as folder:
        (Path(folder) / ".fly").mkdir()
        (Path(folder) / ".fly/api").touch()
        with pytest.raises(NoIdentity, match="Fly's API could not be reached"):
            await found({}, Path(folder))
