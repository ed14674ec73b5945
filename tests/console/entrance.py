"""A browser before the console's login: the console with its real database, an issuer over real http, and a gateway that a test scripts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

import httpx

from counterfoil.wire.secret import Secret
from counterfoil_server.domain import operators
from counterfoil_server.runtime.store.database import Pool
from services.console.own_settings import OwnSettings
from services.console.wiring import Parts, console

URL = "http://console.test"
CLIENT = "the-console"
MAY = [*operators.READ, *operators.STOP, operators.CHANGE]


@dataclass
class Clock:
    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Whoami:
    """The gateway's word about whoever asks. `status` other than 200 is a problem with `code`; 0: it is away."""

    status: int = 200
    code: str = ""
    role: str | None = "admin"
    may: list[str] = field(default_factory=lambda: list(MAY))
    tokens: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.tokens.append(request.headers["authorization"].removeprefix("Bearer "))
        if self.status == 0:
            raise httpx.ConnectError("away")
        if self.status != 200:
            return httpx.Response(self.status, json={"code": self.code, "message": "the gateway says no", "fix": "ask it"})
        return httpx.Response(200, json={"issuer": "i", "sub_hash": "0" * 64, "role": self.role, "may": self.may})


@dataclass
class Entrance:
    browser: httpx.AsyncClient
    gateway: Whoami
    clock: Clock
    answers: list[httpx.Response] = field(default_factory=list)

    async def get(self, address: str, **headers: str) -> httpx.Response:
        answer = await self.browser.get(address, headers=headers)
        self.answers.append(answer)
        return answer

    async def follow(self, address: str, until: str = "") -> httpx.Response:
        """As a browser does; `until`: it stops before an address that begins so."""
        answer = await self.get(address)
        while answer.is_redirect:
            address = urljoin(str(answer.request.url), answer.headers["location"])
            if until and address.startswith(until):
                return answer
            answer = await self.get(address)
        return answer

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: str(cookie.value) for cookie in self.browser.cookies.jar}

    @property
    def signed_in(self) -> bool:
        return "counterfoil-session" in self.cookies

    async def send(self, path: str, csrf: str) -> httpx.Response:
        return await self.browser.post(f"{URL}{path}", headers={"X-CSRF-Token": csrf, "HX-Request": "true"})


def settings(issuer: str, **changed: Any) -> OwnSettings:
    usual: dict[str, Any] = {
        "database": Secret("nowhere"), "url": URL, "gateway": "http://gateway.test", "gateway_url": "https://exchange.test", "issuer": issuer,
        "client_id": CLIENT, "client_secret": None, "host": "127.0.0.1", "port": 0, "health_port": None, "development": True, "log_level": "INFO",
    }  # fmt: skip
    return OwnSettings(**(usual | changed))


@asynccontextmanager
async def entrance(db: Pool, issuer: str, **changed: Any) -> AsyncIterator[Entrance]:
    gateway, clock = Whoami(), Clock()
    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway), base_url="http://gateway.test") as to_gateway:
        app, loops = console(Parts(settings(issuer, **changed), db, to_gateway, clock))
        for loop in loops:
            loop.close()
        ways = {URL: httpx.ASGITransport(app), "https://console.test": httpx.ASGITransport(app)}
        async with httpx.AsyncClient(mounts=ways, trust_env=False) as browser:
            yield Entrance(browser, gateway, clock)
