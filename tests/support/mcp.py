"""FastMCP, running: an MCP server that nobody of ours wrote, its authorization server, and clients of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from counterfoil.wire.secret import Secret
from services.dev.children import Children
from services.dev.ports import HOST, answers, free_port
from services.dev.spawn import Command
from services.gateway.consents import authorization, challenge
from services.providers import shelf
from services.providers.consenting import Given, Lent, Returned
from services.providers.seam import Minted, Order, Root
from tests.providers.desk import Desk

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv" / "mcp" / "bin" / "python"
BACK = "http://127.0.0.1:1/consent/back"
VERIFIER = "v" * 64
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HEADERS = {"Accept": "application/json, text/event-stream"}


class Lending:
    """A provider that lends on behalf of people alone, at a desk: each time somebody agrees first."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    async def mint(self, order: Order, root: Root) -> Minted:
        self._provider.check(order.scopes, order.details, order.config)
        given = await agreed(self._provider, dict(order.config), root, order.scopes)
        lent: Lent = await self._provider.lend(order, given.refresh, root)
        assert lent.minted is not None
        return lent.minted


async def agreed(provider: Any, config: dict[str, Any], root: Root, scopes: frozenset[str], back: str = BACK) -> Given:
    """FastMCP asks nobody: whoever comes has agreed."""
    place = await provider.place(config)
    url = authorization({"url": place.url, "parameters": place.parameters}, scopes, back, "state", challenge(VERIFIER))
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        answer = await http.get(url)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query["state"] == ["state"], query
    given: Given = await provider.redeem(Returned(Secret(query["code"][0]), Secret(VERIFIER), back, scopes), config, root)
    return given


@dataclass(frozen=True)
class Notes:
    url: str
    client: dict[str, Any] = field(repr=False)
    http: httpx.AsyncClient

    @property
    def resource(self) -> str:
        return f"{self.url}/mcp"

    @property
    def root(self) -> dict[str, Secret]:
        return {"secret": Secret(self.client["client_secret"])}

    def config(self, **changes: Any) -> dict[str, Any]:
        usual = {"resource": self.resource, "client_id": self.client["client_id"], "issuer": f"{self.url}/", "network": "this_machine"}
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def desk(self) -> Desk:
        away = self.config(resource="http://127.0.0.1:1/mcp")
        return Desk(Lending(shelf.provider("mcp")), self.config(), self.root, frozenset({"notes.read"}), away, one_for_all=True)

    async def register(self, *backs: str, method: str = "client_secret_post") -> dict[str, Any]:
        asked = {
            "redirect_uris": list(backs), "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": method, "scope": "notes.read notes.write", "application_type": "web",
        }  # fmt: skip
        answer = await self.http.post(f"{self.url}/register", json=asked)
        return dict(answer.raise_for_status().json())

    async def opens(self, token: str) -> bool:
        """As whoever has it."""
        answer = await self.http.post(self.resource, json=PING, headers=HEADERS | {"Authorization": f"Bearer {token}"})
        return answer.status_code != 401


@pytest.fixture(scope="session", name="notes")
async def serving_notes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Notes]:
    if not PYTHON.exists():
        pytest.skip("FastMCP is not here: run make test-providers")
    port = free_port()
    argv = (str(PYTHON), str(ROOT / "tests" / "counterparts" / "notes.py"), str(port))

    async def listens() -> bool:
        return await answers(port)

    async with Children(Path(tmp_path_factory.mktemp("mcp"))) as children, httpx.AsyncClient(trust_env=False, timeout=20) as http:
        await children.start(Command("notes", argv, {"PATH": str(PYTHON.parent), "HOME": str(children.folder)}, children.folder), listens)
        notes = Notes(f"http://{HOST}:{port}", {}, http)
        yield Notes(notes.url, await notes.register(BACK), http)
