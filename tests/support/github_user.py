"""A GitHub as its users' apps see it, written by its documentation: the login, scoped tokens and what they open, and their ends.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
https://docs.github.com/en/rest/apps/apps#create-a-scoped-access-token https://docs.github.com/en/rest/apps/oauth-applications
"""

import base64
import hashlib
import json
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from services.dev.ports import HOST
from tests.support.github_tokens import PERMISSIONS, Token, Tokens
from tests.support.issuer import serving

CLIENT, SECRET = "Iv23liTest", "secret-of-the-app"
INSTALLED = {"acme": {"a", "b"}, "globex": {"a"}}
LEVELS = {"read": 1, "write": 2, "admin": 3}
NOT_FOUND = {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}
BAD_CREDENTIALS = {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"}
METHODS = ["GET", "POST", "DELETE"]


@dataclass
class GitHub:
    """Faults: `loses`, so many refreshes are done, and their answers lost; `fails`: so many are not done, and it is not said."""

    url: str = ""
    tokens: Tokens = field(default_factory=Tokens)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    made: int = 0
    loses: int = 0
    fails: int = 0

    async def answer(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        match request.method, request.url.path.strip("/").split("/"):
            case "GET", ["login", "oauth", "authorize"]:
                return self.authorize(request)
            case "POST", ["login", "oauth", "agree"]:
                return self.agree(form)
            case "POST", ["login", "oauth", "access_token"]:
                return self.token(form, request)
            case method, ["applications", client, *rest]:
                return self.of_the_app(request, method, client, rest, json.loads(await request.body()))
            case method, path:
                return self.use(request, method, path)

    def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        if asked.get("client_id") != CLIENT or asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            return JSONResponse(NOT_FOUND, 404)
        hidden = "".join(f'<input type="hidden" name="{name}" value="{asked[name]}">' for name in ("state", "redirect_uri", "code_challenge"))
        return HTMLResponse(f'<form action="/login/oauth/agree" method="post">{hidden}<input name="login"><input name="password"></form>')

    def agree(self, form: dict[str, str]) -> Response:
        self.codes[code := secrets.token_hex(10)] = form
        return RedirectResponse(f"{form['redirect_uri']}?{urlencode({'code': code, 'state': form['state']})}", 302)

    def token(self, form: dict[str, str], request: Request) -> Response:
        """Errors come with 200, and everything as a form unless JSON is asked for."""
        if form.get("client_id") != CLIENT:
            return JSONResponse(NOT_FOUND, 404)
        if form.get("client_secret") != SECRET:
            said: dict[str, Any] = {"error": "incorrect_client_credentials", "error_description": "The client_id and/or client_secret are incorrect."}
        elif form.get("grant_type") == "refresh_token" and self.fails:
            self.fails -= 1
            return HTMLResponse("<h1>Unicorn!</h1>", 502)
        elif form.get("grant_type") == "refresh_token":
            said = self.tokens.refresh(form["refresh_token"])
        else:
            said = self.redeem(form)
        if self.loses and "access_token" in said and form.get("grant_type") == "refresh_token":
            self.loses -= 1
            return HTMLResponse("<h1>Unicorn!</h1>", 502)
        return JSONResponse(said) if "application/json" in request.headers.get("accept", "") else Response(urlencode(said))

    def redeem(self, form: dict[str, str]) -> dict[str, Any]:
        known = self.codes.pop(form.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if known is None or known["code_challenge"] != proof or known["redirect_uri"] != form.get("redirect_uri"):
            return {"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}
        return self.tokens.pair(known["login"])

    def of_the_app(self, request: Request, method: str, client: str, rest: list[str], body: dict[str, Any]) -> Response:
        pair = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if client != CLIENT or request.headers.get("authorization") != f"Basic {pair}":
            return JSONResponse(NOT_FOUND, 404)
        token = self.tokens.alive(body["access_token"])
        if token is None:
            return JSONResponse(NOT_FOUND, 404)
        match method, rest:
            case "POST", ["token"]:
                return JSONResponse(self.shown(body["access_token"], token))
            case "DELETE", ["token"]:
                del self.tokens.held[body["access_token"]]
                return Response(status_code=204)
            case "DELETE", ["grant"]:
                self.tokens.forget(token.login)
                return Response(status_code=204)
            case "POST", ["token", "scoped"] if not token.of:
                return self.scoped(body, token)
        return JSONResponse(NOT_FOUND, 404)

    def scoped(self, body: dict[str, Any], parent: Token) -> Response:
        here = INSTALLED.get(str(body.get("target")).casefold())
        if here is None:
            return JSONResponse(NOT_FOUND, 404)
        named, wanted = {one.casefold() for one in body.get("repositories", here)}, body.get("permissions", PERMISSIONS)
        if not named <= here or any(LEVELS[level] > LEVELS.get(PERMISSIONS.get(name, ""), 0) for name, level in wanted.items()):
            return JSONResponse({"message": "Validation Failed", "status": "422"}, 422)
        self.made += 1
        made = Token(parent.login, parent.ends, body["access_token"], wanted | {"metadata": "read"},
                     frozenset(f"{body['target']}/{one}".casefold() for one in named))  # fmt: skip
        self.tokens.held[text := f"ghu_{secrets.token_hex(18)}"] = made
        return JSONResponse(self.shown(text, made, body["target"], "selected" if "repositories" in body else "all"))

    def shown(self, text: str, token: Token, target: str = "", selection: str = "all") -> dict[str, Any]:
        account = {"login": target, "id": 7, "type": "Organization"}
        installation = {"permissions": dict(token.permissions), "repository_selection": selection, "single_file_name": None, "account": account,
                        "repositories_url": f"{self.url}/user/repos"}  # fmt: skip
        return {
            "id": 1, "url": f"{self.url}/authorizations/1", "scopes": [], "token": text, "token_last_eight": text[-8:],
            "note": None, "note_url": None,
            "hashed_token": hashlib.sha256(text.encode()).hexdigest(), "app": {"client_id": CLIENT, "name": "Acme", "url": "https://acme.example"},
            "created_at": "2026-11-28T12:00:00Z", "updated_at": "2026-11-28T12:00:00Z", "fingerprint": None,
            "expires_at": token.ends.strftime("%Y-%m-%dT%H:%M:%SZ"), "user": {"login": token.login, "id": 1}, "installation": installation,
        }  # fmt: skip

    def use(self, request: Request, method: str, path: list[str]) -> Response:
        token = self.tokens.alive(request.headers.get("authorization", "").partition(" ")[2])
        if token is None:
            return JSONResponse(BAD_CREDENTIALS, 401)
        match path:
            case ["user"]:
                return JSONResponse({"login": token.login})
            case ["repos", owner, name, *_] if token.of and f"{owner}/{name}".casefold() not in token.repositories:
                return JSONResponse(NOT_FOUND, 404)
            case ["repos", _, _, what]:
                enough = LEVELS.get(token.permissions.get(what, ""), 0) >= LEVELS["read" if method == "GET" else "write"]
                return JSONResponse({}, (200 if method == "GET" else 201)) if enough else JSONResponse({"message": "Resource not accessible"}, 403)
        return JSONResponse(NOT_FOUND, 404)

    def config(self, **changes: Any) -> dict[str, object]:
        return {"client_id": CLIENT, "web": self.url, "api": self.url, "network": "this_machine"} | changes

    async def asks(self, token: str, method: str, path: str) -> int:
        """As whoever has the token: the status."""
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.request(method, self.url + path, headers={"Authorization": f"Bearer {token}"})).status_code


@asynccontextmanager
async def lending() -> AsyncIterator[GitHub]:
    github, listening = GitHub(), socket.create_server((HOST, 0))
    github.url = f"http://{HOST}:{listening.getsockname()[1]}"
    async with serving(Starlette(routes=[Route("/{path:path}", github.answer, methods=METHODS)]), listening):
        yield github
