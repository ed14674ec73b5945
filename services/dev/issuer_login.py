"""Signing a developer in at the local issuer: authorization code with PKCE, by one-time links. OpenID Connect Core 1.0, section 3.1; RFC 9207."""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.dev import issuer_pages, tickets

ADMIN = "admin"
COOKIE = "counterfoil-issuer"
CODE_LIVES, SESSION_LIVES, TOKEN_LIVES = 60, 12 * 3600, 7200
LARGEST = 16384
Sign = Callable[[dict[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Given:
    """What a code stands for."""

    client: str
    redirect_uri: str
    challenge: str
    nonce: str
    auth_time: int
    until: float


@dataclass
class Desk:
    """`clients`: client id and the one address that its answers may go to. `now` is seconds since 1970."""

    url: Callable[[], str]
    sign: Sign
    clients: Mapping[str, str]
    tickets: Path
    now: Callable[[], float] = time.time
    _codes: dict[str, Given] = field(default_factory=dict)
    _sessions: dict[str, int] = field(default_factory=dict)

    async def authorize(self, request: Request) -> Response:
        """GET asks; POST is the button of a step-up."""
        asked = request.query_params
        redirect_uri = self.clients.get(asked.get("client_id", ""))
        if redirect_uri is None or asked.get("redirect_uri") != redirect_uri:
            return issuer_pages.wrong("No such client here, or not with this redirect_uri: see COUNTERFOIL_ISSUER_CLIENTS.")
        if amiss := wrong(asked):
            return self._answer(asked, {"error": amiss})
        ticket, cookie = asked.get("login_hint", ""), request.cookies.get(COOKIE, "")
        if request.method == "POST":
            good = request.headers.get("origin") == self.url() and cookie in self._sessions
            return self._signed_in(asked, self._session()) if good else issuer_pages.no_link(used=False)
        if ticket:
            return self._signed_in(asked, self._session()) if tickets.used(self.tickets, ticket) else issuer_pages.no_link(used=True)
        return self._known(asked, cookie)

    async def token(self, request: Request) -> Response:
        """RFC 6749, section 4.1.3. A code is good once, whatever comes of it."""
        body = await request.body()
        asked = dict(parse_qsl(body[:LARGEST].decode("latin-1")))
        given = self._codes.pop(asked.get("code", ""), None)
        if asked.get("grant_type") != "authorization_code":
            return refused("unsupported_grant_type")
        if given is None or self.now() > given.until or not fits(given, asked):
            return refused("invalid_grant")
        now = int(self.now())
        claims = {"sub": ADMIN, "name": ADMIN, "aud": given.client, "iat": now, "exp": now + TOKEN_LIVES, "auth_time": given.auth_time}
        id_token = self.sign(claims | ({"nonce": given.nonce} if given.nonce else {}))
        found = {"access_token": secrets.token_urlsafe(24), "token_type": "Bearer", "expires_in": 1, "id_token": id_token}
        return JSONResponse(found, headers={"Cache-Control": "no-store"})

    def _known(self, asked: Mapping[str, str], cookie: str) -> Response:
        since = self._sessions.get(cookie)
        if since is None or self.now() - since > SESSION_LIVES:
            return self._answer(asked, {"error": "login_required"}) if asked.get("prompt") == "none" else issuer_pages.no_link(used=False)
        if asked.get("prompt") == "login" or self.now() - since > float(asked.get("max_age") or SESSION_LIVES):
            return issuer_pages.again(ADMIN)
        return self._signed_in(asked, cookie)

    def _session(self) -> str:
        cookie = secrets.token_urlsafe(24)
        self._sessions = {one: at for one, at in self._sessions.items() if self.now() - at < SESSION_LIVES} | {cookie: int(self.now())}
        return cookie

    def _signed_in(self, asked: Mapping[str, str], cookie: str) -> Response:
        code, until = secrets.token_urlsafe(24), self.now() + CODE_LIVES
        self._codes = {one: given for one, given in self._codes.items() if given.until > self.now()}
        self._codes[code] = Given(
            asked["client_id"], asked["redirect_uri"], asked["code_challenge"], asked.get("nonce", ""), self._sessions[cookie], until
        )
        answer = self._answer(asked, {"code": code})
        answer.set_cookie(COOKIE, cookie, max_age=SESSION_LIVES, path="/", httponly=True, samesite="lax")
        return answer

    def _answer(self, asked: Mapping[str, str], said: dict[str, str]) -> Response:
        query = urlencode(said | {"state": asked.get("state", ""), "iss": self.url()})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", 303, {"Cache-Control": "no-store"})


def wrong(asked: Mapping[str, str]) -> str:
    """RFC 6749, section 4.1.2.1."""
    if asked.get("response_type") != "code":
        return "unsupported_response_type"
    if "openid" not in asked.get("scope", "").split():
        return "invalid_scope"
    pkce = asked.get("code_challenge_method") == "S256" and len(asked.get("code_challenge", "")) == 43
    return "" if pkce and (asked.get("max_age") or "0").isdecimal() else "invalid_request"


def fits(given: Given, asked: Mapping[str, str]) -> bool:
    digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
    proven = hmac.compare_digest(urlsafe_b64encode(digest).rstrip(b"=").decode(), given.challenge)
    return proven and (asked.get("client_id"), asked.get("redirect_uri")) == (given.client, given.redirect_uri)


def refused(error: str) -> Response:
    return JSONResponse({"error": error}, 400, {"Cache-Control": "no-store"})
