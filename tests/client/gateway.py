"""A gateway in httpx's MockTransport: it answers what the test puts there, and keeps what it was asked. Receipts are real."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import httpx

from counterfoil import Client, sync
from counterfoil.contracts.exchange_minted import credential_id
from counterfoil.wire.armor import to_url
from counterfoil.wire.opening_key import OpeningKey
from tests.client.answers import DSN, PARTS, Town, asked, minted

URL = "https://exchange.example"
HASH = "a" * 64
CREDENTIAL_ID = str(credential_id(HASH, 1))
Answer = httpx.Response | httpx.TransportError


@dataclass
class Gateway:
    """Answers each POST with the next of `answers`, and keeps what it was asked."""

    town: Town = field(default_factory=Town)
    answers: list[Callable[[dict[str, str]], Answer]] = field(default_factory=list)
    asked: list[httpx.Request] = field(default_factory=list)
    members: dict[str, Any] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/.well-known/counterfoil":
            return httpx.Response(200, json=self.town.well_known(**self.members))
        self.asked.append(request)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1](form(request))
        if isinstance(answer, httpx.TransportError):
            answer.request = request
            raise answer
        return answer

    def lend(self, sent: dict[str, str], **members: Any) -> httpx.Response:
        key = to_url(OpeningKey.generate().public).decode()
        leaf = self.town.append(minted(asked(UUID(sent["request_id"]), HASH, key), self.town.box(HASH, key)))
        body = {"access_token": DSN, "token_type": "N_A", "expires_in": 300, "scope": "read", "credential": PARTS, "credential_id": CREDENTIAL_ID,
                "request_id": sent["request_id"], "receipt": self.town.receipt(leaf)}  # fmt: skip
        return httpx.Response(200, json=body | members)

    def lend_bearer(self, sent: dict[str, str]) -> httpx.Response:
        """Each time another token: canary-1, canary-2, ..."""
        number = next(self._numbers)
        hashed, key = f"{number:064x}", to_url(OpeningKey.generate().public).decode()
        fact = minted(asked(UUID(sent["request_id"]), hashed, key), self.town.box(hashed, key)) | {"token_type": "Bearer", "connector": "github/acme"}
        body = {"access_token": f"canary-{number}", "token_type": "Bearer", "credential_id": str(credential_id(hashed, 1)),
                "receipt": self.town.receipt(self.town.append(fact))}  # fmt: skip
        return httpx.Response(200, json=body)

    def at(self, path: str) -> list[httpx.Request]:
        return [one for one in self.asked if one.url.path == path]

    def client(self, **members: Any) -> Client:
        usual: dict[str, Any] = {"token": "an.id.token", "http": httpx.AsyncClient(transport=httpx.MockTransport(self))}
        return Client(URL, **usual | members)

    def blocking(self, **members: Any) -> sync.Client:
        usual: dict[str, Any] = {"token": "an.id.token", "http": httpx.AsyncClient(transport=httpx.MockTransport(self))}
        return sync.Client(URL, **usual | members)


def form(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


def problem(status: int, code: str, **members: Any) -> Callable[[dict[str, str]], httpx.Response]:
    return lambda _: httpx.Response(status, json={"code": code, "message": "words"} | members)
