"""Pages of the console as an operator asks for them: a real database, and a gateway that each test scripts; the walks have the real one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from starlette.requests import Request

from counterfoil.wire.secret import Secret
from counterfoil_server.domain import operators
from counterfoil_server.runtime.store import database
from counterfoil_server.runtime.store.database import Pool, connect
from services.console import assets
from services.console.gateway import Gateway
from services.console.operator import Operator
from services.console.rendering import Renderer
from services.console.site import Page, Site, application
from tests.gateway.conftest import in_database, migrated

URL = "http://console.test"
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
MAY = {"viewer": operators.READ, "operator": (*operators.READ, *operators.STOP), "admin": (*operators.READ, *operators.STOP, operators.CHANGE)}
Handler = Callable[[httpx.Request], httpx.Response]


def operator(role: str = "admin", ago: timedelta = timedelta(0)) -> Operator:
    """`ago`: when they signed in."""
    return Operator("ada@example.org", role, frozenset(MAY[role]), Secret("operators-token"), "csrf-of-ada", NOW - ago, NOW + timedelta(hours=1))


@dataclass
class Keeper:
    """Lets in whoever the test says."""

    who: Operator | None

    async def operator(self, _: Request) -> Operator | None:
        return self.who


@dataclass
class Visit:
    """A browser without script, signed in. `asked`: what the pages asked the gateway."""

    http: httpx.AsyncClient
    keeper: Keeper
    asked: list[httpx.Request] = field(default_factory=list)

    async def page(self, path: str, **query: str) -> str:
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def send(self, path: str, **form: str) -> httpx.Response:
        """As htmx sends a form."""
        headers = {"X-CSRF-Token": "csrf-of-ada", "HX-Request": "true", "Origin": URL, "Sec-Fetch-Site": "same-origin"}
        return await self.http.post(path, data=form, headers=headers)

    def as_role(self, role: str, ago: timedelta = timedelta(0)) -> None:
        self.keeper.who = operator(role, ago)


@asynccontextmanager
async def visiting(pages: Sequence[Page], db: Pool, gateway: Handler, **more: Any) -> AsyncIterator[Visit]:
    """`more`: what else the site has."""
    found = dict(assets.assets())
    keeper = Keeper(operator())
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return gateway(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://gateway.test") as to_gateway:
        site = Site(db, Gateway(to_gateway), Renderer(found, development=False), lambda: NOW, URL, "https://exchange.test", **more)
        app = application(site, keeper, pages, found)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as http:
            yield Visit(http, keeper, asked)


@pytest.fixture(scope="session")
async def console_database(postgres: str) -> AsyncIterator[str]:
    """A migrated database for all tests of the console; its superuser DSN."""
    async with migrated(postgres) as dsn:
        yield dsn


@pytest.fixture
async def owner(console_database: str) -> AsyncIterator[asyncpg.Connection]:
    """As the owner, to put rows in."""
    found = await asyncpg.connect(console_database)
    yield found
    await found.close()


@pytest.fixture
async def db(console_database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pool]:
    """As the console's own role. It shares one process with the test: a pause of that is no paused console."""
    monkeypatch.setattr(database, "IDLE_IN_TRANSACTION_MS", 10_000)
    pool = await connect(Secret(in_database(console_database, urlsplit(console_database).path.strip("/"), "counterfoil_console")), name="t")
    yield pool
    await asyncio.wait_for(pool.close(), 5)


def hidden(page: str, name: str) -> str:
    """The value of a field that a form carries along."""
    return page.partition(f'name="{name}" value="')[2].partition('"')[0]


def nothing(_: httpx.Request) -> httpx.Response:
    """A gateway that no test has scripted."""
    return httpx.Response(404, json={"code": "not_found", "message": "nothing here", "fix": "script it"})


def answering(found: dict[str, Any]) -> Handler:
    """By method and path: `{"GET /v1/connectors": {...}}`."""

    def answer(request: httpx.Request) -> httpx.Response:
        body = found.get(f"{request.method} {request.url.path}")
        return nothing(request) if body is None else httpx.Response(200, json=body)

    return answer


__all__ = ["NOW", "URL", "Keeper", "Visit", "answering", "hidden", "nothing", "operator", "visiting"]
