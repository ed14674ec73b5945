"""MCP against a server that is not as it should be: nothing is shown to whom it does not belong, and a doubt is not taken for an end."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from counterfoil.wire.secret import Secret
from services.dev.ports import HOST
from services.providers import shelf
from services.providers.mcp import discovery
from services.providers.mcp.config import Config
from services.providers.seam import Handle, Irrevocable, Refused, Unavailable
from tests.providers.desk import CANARY, told
from tests.support.issuer import serving

WELL_KNOWN = "/.well-known/oauth-protected-resource"
AUTHORITY = "/.well-known/oauth-authorization-server/as"


@dataclass
class Server:
    url: str
    challenge: str = ""
    status: int = 401
    answers: dict[str, Any] = field(default_factory=dict)
    """By path; a number is a status, anything else what is said with 200."""
    asked: list[str] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        return f"{self.url}/as"

    def config(self, **changes: Any) -> dict[str, Any]:
        return {"resource": f"{self.url}/mcp", "client_id": "us", "network": "this_machine"} | changes

    async def answer(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        if request.url.path == "/mcp":
            return Response(status_code=self.status, headers={"www-authenticate": self.challenge} if self.challenge else {})
        said = self.answers.get(request.url.path, 404)
        return Response(status_code=said) if isinstance(said, int) else JSONResponse(said)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    listening = socket.create_server((HOST, 0))
    made = Server(f"http://{HOST}:{listening.getsockname()[1]}")
    made.answers[f"{WELL_KNOWN}/mcp"] = {"resource": f"{made.url}/mcp", "authorization_servers": [made.issuer], "scopes_supported": ["a", "b"]}
    made.answers[AUTHORITY] = {
        "issuer": made.issuer, "authorization_endpoint": f"{made.issuer}/authorize", "token_endpoint": f"{made.issuer}/token",
        "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": True,
    }  # fmt: skip
    async with serving(Starlette(routes=[Route("/{path:path}", made.answer, methods=["GET", "POST"])]), listening):
        yield made


async def found(server: Server, **changes: Any) -> Any:
    return await shelf.provider("mcp").place(server.config(**changes))  # type: ignore[attr-defined]


async def refused(server: Server, **changes: Any) -> str:
    with pytest.raises(Refused) as no:
        await found(server, **changes)
    return no.value.code


async def test_without_a_challenge_the_metadata_stands_behind_the_servers_own_path(server: Server):
    place = await found(server)

    assert (place.issuer, place.says_issuer, place.url) == (server.issuer, True, f"{server.issuer}/authorize")
    assert server.asked == ["/mcp", f"{WELL_KNOWN}/mcp", AUTHORITY]


async def test_or_at_the_root(server: Server):
    server.answers[WELL_KNOWN] = server.answers.pop(f"{WELL_KNOWN}/mcp")

    assert (await found(server)).issuer == server.issuer


async def test_openid_metadata_does_where_there_is_no_other(server: Server):
    server.answers["/as/.well-known/openid-configuration"] = server.answers.pop(AUTHORITY)

    assert (await found(server)).issuer == server.issuer


async def test_a_challenge_that_leads_elsewhere_is_not_followed(server: Server):
    server.challenge = 'Bearer resource_metadata="http://127.0.0.2:1/x"'

    assert await refused(server) == "foreign_host"
    assert server.asked == ["/mcp"]


@pytest.mark.parametrize(
    ("path", "change", "code"),
    [
        (f"{WELL_KNOWN}/mcp", {"resource": "http://127.0.0.1/other"}, "wrong_resource"),
        (f"{WELL_KNOWN}/mcp", {"authorization_servers": []}, "no_issuer"),
        (f"{WELL_KNOWN}/mcp", {"authorization_servers": ["ftp://as"]}, "issuer"),
        (AUTHORITY, {"issuer": "http://127.0.0.1/as"}, "wrong_issuer"),
        (AUTHORITY, {"code_challenge_methods_supported": ["plain"]}, "no_pkce"),
        (AUTHORITY, {"token_endpoint": "https://elsewhere.example/token"}, "foreign_host"),
        (AUTHORITY, {"authorization_endpoint": None}, "no_authorization_endpoint"),
    ],
)
async def test_what_is_amiss_in_the_metadata_is_refused(server: Server, path: str, change: dict[str, Any], code: str):
    server.answers[path] |= change

    assert await refused(server) == code


async def test_where_there_is_none_it_says_so_and_where_it_cannot_be_said_now_it_may_be_asked_again(server: Server):
    del server.answers[f"{WELL_KNOWN}/mcp"]
    assert await refused(server) == "no_metadata"

    server.answers[WELL_KNOWN] = 503
    with pytest.raises(Unavailable):
        await found(server)


async def test_a_server_that_names_another_issuer_later_is_shown_nothing(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(discovery, "KEPT", 0.0)
    provider: Any = shelf.provider("mcp")
    await provider.place(server.config())
    other = f"{server.url}/other"
    server.answers[f"{WELL_KNOWN}/mcp"] |= {"authorization_servers": [other]}
    server.answers["/.well-known/oauth-authorization-server/other"] = server.answers[AUTHORITY] | {"issuer": other}

    with pytest.raises(Refused, match="issuer_changed"):
        await provider.place(server.config())


@pytest.mark.parametrize(("challenge", "scopes"), [("", {"a", "b"}), ('Bearer error="x", scope="c d"', {"c", "d"}), ("Bearer scope=c", {"c"})])
async def test_the_challenge_says_which_scopes_else_all_that_are_supported(server: Server, challenge: str, scopes: set[str]):
    server.challenge = challenge
    provider: Any = shelf.provider("mcp")

    known = await provider._found(Config(**server.config()), asyncio.get_running_loop().time() + 5)

    assert known.scopes == scopes


@pytest.mark.parametrize(("status", "means"), [(401, None), (400, Irrevocable), (200, Irrevocable), (503, Unavailable), (429, Unavailable)])
async def test_a_token_is_dead_where_the_server_does_not_take_it_and_only_there(server: Server, status: int, means: type[Exception] | None):
    server.status = status
    handle: Handle = {"resource": f"{server.url}/mcp", "issuer": server.issuer, "until": "2999-01-01T00:00:00+00:00"}
    asked = shelf.provider("mcp").revoke(handle, server.config(), {}, Secret(CANARY))

    if means is None:
        assert await asked is False
    else:
        with pytest.raises(means) as raised:
            await asked
        assert CANARY not in told(raised.value)


async def test_a_token_is_not_shown_to_another_server(server: Server):
    handle: Handle = {"resource": "https://other.example/mcp", "issuer": server.issuer, "until": None}

    with pytest.raises(Refused, match="server_changed"):
        await shelf.provider("mcp").revoke(handle, server.config(), {}, Secret(CANARY))
    assert server.asked == []
