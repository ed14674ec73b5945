"""An issuer that does whatever a test tells it to do wrong: real http, real keys, and no care at all."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from services.dev.issuer import described
from services.dev.signer import Signer

Forge = Callable[[dict[str, Any]], str]


@dataclass
class Hostile:
    """`description`, `query`, `claims` and `answer` stand in the place of what a good one says; what is None there is left out."""

    signer: Signer
    url: str = ""
    description: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    forge: Forge | None = None
    keys: dict[str, Any] | None = None
    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)
    redeemed: list[dict[str, str]] = field(default_factory=list)
    keys_read: int = 0

    def id_token(self) -> str:
        now = int(time.time())
        last = self.asked[-1]
        usual = {
            "iss": self.url, "sub": "ada", "name": "Ada", "aud": last["client_id"], "iat": now, "exp": now + 3600, "nonce": last["nonce"],
            "auth_time": now,
        }  # fmt: skip
        claims = less(usual | self.claims)
        return self.forge(claims) if self.forge else self.signer.sign(claims)

    def app(self) -> Starlette:
        async def discovery(_: Request) -> Response:
            return JSONResponse(less(described(self.url) | self.description))

        async def jwks(_: Request) -> Response:
            self.keys_read += 1
            return JSONResponse(self.keys or self.signer.jwks())

        async def authorize(request: Request) -> Response:
            """Asks nobody anything."""
            self.asked.append(dict(request.query_params))
            said = less({"code": "c" * 20, "state": self.asked[-1]["state"], "iss": self.url} | self.query)
            return RedirectResponse(f"{self.asked[-1]['redirect_uri']}?{urlencode(said)}", 303)

        async def token(request: Request) -> Response:
            """Any code, any number of times."""
            self.redeemed.append(dict(parse_qsl((await request.body()).decode())) | {"authorization": request.headers.get("authorization", "")})
            return JSONResponse(less({"id_token": self.id_token(), "token_type": "Bearer", "access_token": "a"} | self.answer), self.status)

        posted = Route("/token", token, methods=["POST"])
        return Starlette(routes=[Route("/.well-known/openid-configuration", discovery), Route("/jwks", jwks), Route("/authorize", authorize), posted])


def less(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", algorithm="none")


def by_public_key(signer: Signer) -> Forge:
    """The old confusion: what everybody can read is taken for a shared secret (RFC 8725, section 2.1)."""
    public = str(signer.jwks()["keys"][0]["n"])
    kid = signer.jwks()["keys"][0]["kid"]
    return lambda claims: jwt.encode(claims, public, algorithm="HS256", headers={"kid": kid})


def under(signer: Signer, **header: Any) -> Forge:
    """The issuer's own key, another header."""
    key = signer._keys[-1]
    algorithm = header.pop("algorithm", "RS256")
    return lambda claims: jwt.encode(claims, key.private, algorithm=algorithm, headers={"kid": key.public["kid"]} | header)
