"""A cluster's API, written by its documentation: secrets, tokens bound to them, and what two service accounts may do.

https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
"""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.dev.ports import HOST
from tests.support.issuer import serving

ROOT, API = "root-token", "https://kubernetes.default.svc"
ACCOUNTS = {"reader": {"GET"}, "deployer": {"GET", "POST"}}


def status(code: int, reason: str, kind: str = "", name: str = "") -> Response:
    said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "details": {"name": name, "kind": kind}, "code": code}
    return JSONResponse(said, code)


@dataclass
class Cluster:
    url: str = ""
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def answer(self, request: Request) -> Response:
        bearer = request.headers.get("authorization", "").partition(" ")[2]
        parts = request.url.path.removeprefix("/api/v1/namespaces/").split("/")
        if bearer != ROOT:
            return self.use(bearer, request.method, parts)
        if parts[0] != "lent":
            return status(404, "NotFound", "namespaces", parts[0])
        return self.administer(request, parts[1:], json.loads(await request.body() or b"{}"))

    def administer(self, request: Request, parts: list[str], body: dict[str, Any]) -> Response:
        match request.method, parts:
            case "POST", ["secrets"]:
                if (name := body["metadata"]["name"]) in self.secrets:
                    return status(409, "AlreadyExists", "secrets", name)
                body["metadata"]["uid"] = str(uuid4())
                self.secrets[name] = body
                return JSONResponse(body, 201)
            case "GET", ["secrets"]:
                label, _, value = request.query_params["labelSelector"].partition("=")
                found = [one for one in self.secrets.values() if one["metadata"].get("labels", {}).get(label) == value]
                at, size = int(request.query_params.get("continue", 0)), int(request.query_params["limit"])
                following = {"continue": str(at + size)} if at + size < len(found) else {}
                return JSONResponse({"kind": "SecretList", "metadata": following, "items": found[at : at + size]})
            case "GET" | "DELETE", ["secrets", name]:
                if name not in self.secrets:
                    return status(404, "NotFound", "secrets", name)
                return JSONResponse(self.secrets[name] if request.method == "GET" else self.secrets.pop(name))
            case "POST", ["serviceaccounts", account, "token"]:
                return self.token(account, body)
        return status(404, "NotFound")

    def token(self, account: str, body: dict[str, Any]) -> Response:
        spec = body["spec"]
        bound = spec["boundObjectRef"]
        if account not in ACCOUNTS:
            return status(404, "NotFound", "serviceaccounts", account)
        if bound["name"] not in self.secrets:
            return status(404, "NotFound", "secrets", bound["name"])
        if bound["uid"] != self.secrets[bound["name"]]["metadata"]["uid"]:
            return status(409, "Conflict", "secrets", bound["name"])
        if not 600 <= spec["expirationSeconds"] <= 2**32:
            return status(422, "Invalid", "TokenRequest")
        token, ends = f"eyJ.{uuid4().hex}.sig", datetime.now(UTC) + timedelta(seconds=spec["expirationSeconds"])
        spec = {**spec, "audiences": spec["audiences"] or [API]}
        self.tokens[token] = {**spec, "account": account, "ends": ends}
        said = {"token": token, "expirationTimestamp": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
        about = {"name": account, "namespace": "lent", "creationTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        return JSONResponse({"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": about, "spec": spec, "status": said}, 201)

    def use(self, bearer: str, method: str, parts: list[str]) -> Response:
        token = self.tokens.get(bearer)
        if token is None or API not in token["audiences"] or token["ends"] < datetime.now(UTC):
            return status(401, "Unauthorized")
        bound = self.secrets.get(token["boundObjectRef"]["name"])
        if bound is None or bound["metadata"]["uid"] != token["boundObjectRef"]["uid"]:
            return status(401, "Unauthorized")
        if parts[:2] != ["lent", "configmaps"] or method not in ACCOUNTS[token["account"]]:
            return status(403, "Forbidden")
        return JSONResponse({}, 200 if method == "GET" else 201)

    async def asks(self, token: str, method: str, path: str = "lent/configmaps") -> int:
        """As whoever has the token: the status."""
        async with httpx.AsyncClient(trust_env=False) as http:
            url = f"{self.url}/api/v1/namespaces/{path}"
            return (await http.request(method, url, headers={"Authorization": f"Bearer {token}"})).status_code


@asynccontextmanager
async def standing() -> AsyncIterator[Cluster]:
    cluster, listening = Cluster(), socket.create_server((HOST, 0))
    cluster.url = f"http://{HOST}:{listening.getsockname()[1]}"
    async with serving(Starlette(routes=[Route("/{path:path}", cluster.answer, methods=["GET", "POST", "DELETE"])]), listening):
        yield cluster
