"""An OIDC issuer with a device endpoint (RFC 8628), strict as the RFC is, in the hands of a test."""

import json
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.client.ambient.platform import Answering

CLIENT = "counterfoil-cli"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def jwt(**claims: Any) -> str:
    return f"e30.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


def error(code: str) -> Response:
    return JSONResponse({"error": code, "error_description": "canary"}, 400)


@dataclass
class DeviceIssuer:
    """`says`: what the token endpoint answers before it gives tokens. `refresh`: whether it gives refresh tokens, each good once."""

    says: list[str] = field(default_factory=list)
    refresh: bool = True
    lifetime: int = 3600
    changes: dict[str, Any] = field(default_factory=dict)
    configuration: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    polls: int = 0
    revoked: list[str] = field(default_factory=list)
    _good: set[str] = field(default_factory=set)
    _made: int = 0

    def answers(self) -> dict[str, Answering]:
        return {
            "GET /.well-known/openid-configuration": self.discovery, "POST /device": self.device, "POST /token": self.token,
            "POST /revoke": self.revoke,
        }  # fmt: skip

    def discovery(self, _: Request, __: bytes) -> Response:
        ends = {"device_authorization_endpoint": "device", "token_endpoint": "token", "revocation_endpoint": "revoke"}
        return JSONResponse({"issuer": self.url} | {name: f"{self.url}/{end}" for name, end in ends.items()} | self.configuration)

    def device(self, _: Request, body: bytes) -> Response:
        form = dict(parse_qsl(body.decode()))
        if form.get("client_id") != CLIENT or "openid" not in form.get("scope", "").split():
            return error("invalid_request")
        found = {"device_code": "canary-device", "user_code": "WDJB-MJHT", "verification_uri": f"{self.url}/activate", "expires_in": 600}
        return JSONResponse(found | {"interval": 1, "verification_uri_complete": f"{self.url}/activate?user_code=WDJB-MJHT"})

    def token(self, _: Request, body: bytes) -> Response:
        form = dict(parse_qsl(body.decode()))
        if form.get("client_id") != CLIENT:
            return error("invalid_client")
        if form.get("grant_type") == "refresh_token":
            given = form.get("refresh_token", "")
            if given not in self._good:
                return error("invalid_grant")
            self._good.discard(given)
            return self.tokens()
        if form.get("grant_type") != DEVICE_GRANT or form.get("device_code") != "canary-device":
            return error("invalid_grant")
        self.polls += 1
        return error(self.says.pop(0)) if self.says else self.tokens()

    def tokens(self) -> Response:
        self._made += 1
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "ada", "iat": now, "exp": now + self.lifetime, "n": self._made} | self.changes
        found: dict[str, Any] = {"access_token": "canary-access", "token_type": "Bearer", "id_token": jwt(**claims)}
        if self.refresh:
            found["refresh_token"] = f"canary-refresh-{self._made}"
            self._good.add(found["refresh_token"])
        return JSONResponse(found)

    def revoke(self, _: Request, body: bytes) -> Response:
        form = dict(parse_qsl(body.decode()))
        self.revoked.append(form["token"])
        self._good.discard(form["token"])
        return Response()
