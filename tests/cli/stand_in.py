"""A gateway's doors without a gateway behind them: each answers what the test put there, and keeps what it was asked. Receipts are real."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from counterfoil.contracts.exchange_minted import credential_id
from counterfoil.wire.armor import to_url
from counterfoil.wire.opening_key import OpeningKey
from tests.client.answers import DSN, PARTS, Town, asked, minted

HASH = "a" * 64
CREDENTIAL_ID = str(credential_id(HASH, 1))


@dataclass
class Asked:
    path: str
    query: dict[str, str]
    bearer: str
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "GET"


@dataclass
class StandIn:
    town: Town = field(default_factory=Town)
    members: dict[str, Any] = field(default_factory=dict)
    says: dict[str, Callable[[Asked], tuple[int, Any]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.says.setdefault("/oauth2/token", self.lend)
        self.says.setdefault("/oauth2/revoke", lambda _: (200, {"accepted": "2026-11-24T12:00:00Z", "state": "revoked"}))

    def at(self, path: str) -> list[Asked]:
        return [one for one in self.asked if one.path == path]

    def lend(self, asked_: Asked) -> tuple[int, Any]:
        key, request_id = to_url(OpeningKey.generate().public).decode(), UUID(asked_.body["request_id"])
        fact = minted(asked(request_id, HASH, key), self.town.box(HASH, key)) | {"connector": asked_.body["audience"]}
        leaf = self.town.append(fact)
        return 200, {
            "access_token": DSN,
            "token_type": "N_A",
            "credential": PARTS,
            "credential_id": CREDENTIAL_ID,
            "receipt": self.town.receipt(leaf),
        }

    def app(self) -> Starlette:
        methods = ["GET", "POST", "PUT", "DELETE"]
        return Starlette(routes=[Route("/.well-known/counterfoil", self.known), Route("/{path:path}", self.answer, methods=methods)])

    async def known(self, _: Request) -> Response:
        return JSONResponse(self.town.well_known(**self.members))

    async def answer(self, request: Request) -> Response:
        raw, kind = await request.body(), request.headers.get("content-type", "")
        body = dict(parse_qsl(raw.decode())) if kind.startswith("application/x-www-form") else json.loads(raw) if raw else None
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        one = Asked(request.url.path, dict(request.query_params), bearer, body, dict(request.headers), request.method)
        self.asked.append(one)
        status, document = self.says[one.path](one)
        return JSONResponse(document, status)


def no(code: str, status: int, **members: Any) -> Callable[[Asked], tuple[int, Any]]:
    return lambda _: (status, {"code": code, "message": "words", "fix": "do this"} | members)
