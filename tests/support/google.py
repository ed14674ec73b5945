"""Google Cloud, written by its documentation: who a key is, whose tokens it may make, what a boundary leaves of them, and what storage opens.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest
https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
https://cloud.google.com/iam/docs/create-downscoped-short-lived-credentials
"""

import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, unquote

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.dev.ports import HOST
from tests.support.issuer import serving

AT = "acme.iam.gserviceaccount.com"
BROKER, LENT, BETWEEN, FAR, CLOSED = (f"{one}@{AT}" for one in ("counterfoil", "lent", "between", "far", "closed"))
MAY_MAKE = {LENT: {BROKER}, BETWEEN: {BROKER}, FAR: {BETWEEN}, CLOSED: set[str]()}
"""Of each account: who has roles/iam.serviceAccountTokenCreator on it."""
AUTH = "https://www.googleapis.com/auth"
ALL, READ_ONLY, READ_WRITE = f"{AUTH}/cloud-platform", f"{AUTH}/devstorage.read_only", f"{AUTH}/devstorage.read_write"
SCOPES = {ALL, READ_ONLY, READ_WRITE, f"{AUTH}/pubsub"}
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
VIEWER, ADMIN = "roles/storage.objectViewer", "roles/storage.objectAdmin"
CONDITION = re.compile(
    r"resource\.name\.startsWith\('projects/_/buckets/([^']+)/objects/([^']+)'\)"
    r" \|\| api\.getAttribute\('storage\.googleapis\.com/objectListPrefix', ''\)\.startsWith\('([^']+)'\)"
)


def key(email: str = BROKER) -> str:
    """As Google gives one."""
    made = rsa.generate_private_key(65537, 2048)
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    about = {"type": "service_account", "project_id": "acme", "private_key_id": "k1", "private_key": pem, "client_email": email}
    return json.dumps(about | {"client_id": "1", "token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com"})


@dataclass
class Token:
    email: str
    scopes: frozenset[str]
    ends: datetime
    rules: list[dict[str, Any]] | None = None


@dataclass
class Google:
    key: str
    url: str = ""
    tokens: dict[str, Token] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        path, raw = request.scope["raw_path"].decode(), await request.body()
        self.asked.append(path.rpartition(":")[2].rpartition("/")[2])
        bearer = self.alive(request.headers.get("authorization", "").partition(" ")[2])
        if path == "/token":
            return self.proven(parse_qs(raw.decode()))
        if path == "/tokeninfo":
            return self.about(bearer)
        if path == "/v1/token":
            return self.exchanged(parse_qs(raw.decode(), strict_parsing=True))
        found = re.fullmatch(r"/v1/projects/-/serviceAccounts/([^/:]+):generateAccessToken", path)
        return self.made(bearer, unquote(found[1]), json.loads(raw)) if found else said(404, "NOT_FOUND")

    def proven(self, form: dict[str, list[str]]) -> Response:
        if form["grant_type"] != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        try:
            claims = jwt.decode(form["assertion"][0], public(self.key), ["RS256"], audience=f"{self.url}/token", issuer=BROKER)
        except jwt.PyJWTError:
            return JSONResponse({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
        if claims["exp"] - claims["iat"] > 3600 or jwt.get_unverified_header(form["assertion"][0])["kid"] != "k1":
            return JSONResponse({"error": "invalid_grant"}, 400)
        made = self.make(Token(BROKER, frozenset(claims["scope"].split()), datetime.now(UTC) + timedelta(hours=1)))
        return JSONResponse({"access_token": made, "expires_in": 3599, "token_type": "Bearer"})

    def made(self, bearer: Token | None, email: str, wanted: dict[str, Any]) -> Response:
        seconds = re.fullmatch(r"([0-9]+)s", wanted["lifetime"])
        if bearer is None or ALL not in bearer.scopes:
            return said(401, "UNAUTHENTICATED")
        if email not in MAY_MAKE:
            return said(404, "NOT_FOUND")
        chain = [bearer.email, *(one.removeprefix("projects/-/serviceAccounts/") for one in wanted.get("delegates", [])), email]
        if any(who not in MAY_MAKE.get(whose, ()) for who, whose in pairwise(chain)):
            return said(403, "PERMISSION_DENIED")
        if not wanted["scope"] or not set(wanted["scope"]) <= SCOPES or seconds is None or not 0 < int(seconds[1]) <= 3600:
            return said(400, "INVALID_ARGUMENT")
        ends = (datetime.now(UTC) + timedelta(seconds=int(seconds[1]))).replace(microsecond=0)
        made = self.make(Token(email, frozenset(wanted["scope"]), ends))
        return JSONResponse({"accessToken": made, "expireTime": ends.strftime("%Y-%m-%dT%H:%M:%SZ")})

    def about(self, token: Token | None) -> Response:
        if token is None or token.rules is not None:
            return JSONResponse({"error": "invalid_token", "error_description": "Invalid Value"}, 400)
        left = int((token.ends - datetime.now(UTC)).total_seconds())
        return JSONResponse({"azp": "1", "aud": "1", "scope": " ".join(sorted(token.scopes)), "expires_in": str(left), "access_type": "online"})

    def exchanged(self, form: dict[str, list[str]]) -> Response:
        kinds = {form["subject_token_type"][0], form["requested_token_type"][0]}
        source = self.alive(form["subject_token"][0])
        rules = json.loads(unquote(form["options"][0]))["accessBoundary"]["accessBoundaryRules"]
        if form["grant_type"] != ["urn:ietf:params:oauth:grant-type:token-exchange"] or kinds != {ACCESS} or source is None or len(rules) > 10:
            return JSONResponse({"error": "invalid_request", "error_description": "never shown"}, 400)
        made = self.make(Token(source.email, source.scopes, source.ends, rules))
        left = int((source.ends - datetime.now(UTC)).total_seconds())
        return JSONResponse({"access_token": made, "issued_token_type": ACCESS, "token_type": "Bearer", "expires_in": left})

    def make(self, token: Token) -> str:
        name = f"ya29.{'d' if token.rules is not None else 'c'}.{len(self.tokens):04d}"
        self.tokens[name] = token
        return name

    def alive(self, name: str) -> Token | None:
        token = self.tokens.get(name)
        return token if token and token.ends > datetime.now(UTC) else None

    def opens(self, name: str, bucket: str, thing: str, *, write: bool = False) -> bool:
        """As Cloud Storage decides; the service account itself may everything."""
        token = self.alive(name)
        if token is None or not token.scopes & ({ALL, READ_WRITE} if write else {ALL, READ_WRITE, READ_ONLY}):
            return False
        return token.rules is None or any(allows(rule, bucket, thing, write=write) for rule in token.rules)


def allows(rule: dict[str, Any], bucket: str, thing: str, *, write: bool) -> bool:
    roles = {one.removeprefix("inRole:") for one in rule["availablePermissions"]}
    if rule["availableResource"] != f"//storage.googleapis.com/projects/_/buckets/{bucket}" or not roles & ({ADMIN} if write else {ADMIN, VIEWER}):
        return False
    if "availabilityCondition" not in rule:
        return True
    named = CONDITION.fullmatch(rule["availabilityCondition"]["expression"])
    return named is not None and named[1] == bucket and named[2] == named[3] and thing.startswith(named[2])


def said(status: int, word: str) -> Response:
    return JSONResponse({"error": {"code": status, "message": "never shown", "status": word}}, status)


def public(file: str) -> RSAPublicKey:
    found = load_pem_private_key(json.loads(file)["private_key"].encode(), None).public_key()
    assert isinstance(found, RSAPublicKey)
    return found


@asynccontextmanager
async def cloudy() -> AsyncIterator[Google]:
    google, listening = Google(key()), socket.create_server((HOST, 0))
    google.url = f"http://{HOST}:{listening.getsockname()[1]}"
    async with serving(Starlette(routes=[Route("/{path:path}", google.answer, methods=["POST"])]), listening):
        yield google
