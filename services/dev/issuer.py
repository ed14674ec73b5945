"""A local OIDC issuer for development and tests: `python -m services.dev.issuer`. It gives a token to whoever asks on this machine."""

import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from services.dev.issuer_login import Desk
from services.dev.signer import Signer

LIFETIME = 600
LOOPBACK = "127.0.0.1"


@dataclass
class LocalIssuer:
    """`url` is what stands in `iss`; whoever serves it sets it."""

    signer: Signer
    audience: str
    url: str = ""
    clients: Mapping[str, str] = field(default_factory=dict)
    """Who may have developers signed in: client ids, each with its redirect_uri."""
    tickets: Path = Path("tickets")

    def sign(self, claims: dict[str, Any]) -> str:
        """A good token; `claims` add to what every token says, or stand in its place."""
        now = int(time.time())
        usual = {"iss": self.url, "aud": self.audience, "iat": now, "exp": now + LIFETIME, "jti": str(uuid.uuid4())}
        return self.signer.sign(usual | claims)

    def rotate(self, keep: int = 1) -> None:
        self.signer.rotate(keep)


def app(issuer: LocalIssuer) -> Starlette:
    desk = Desk(lambda: issuer.url, issuer.sign, issuer.clients, issuer.tickets)

    def discovery(_: Request) -> Response:
        return JSONResponse(described(issuer.url))

    def jwks(_: Request) -> Response:
        return JSONResponse(issuer.signer.jwks())

    def id_token(request: Request) -> Response:
        if not from_here(request):
            return PlainTextResponse("only this machine may ask\n", status_code=403)
        asked = request.query_params
        if not (asked.get("project") and asked.get("environment")):
            return PlainTextResponse("project and environment are wanted\n", status_code=400)
        where = {"project": asked["project"], "environment": asked["environment"]}
        subject = asked.get("sub") or "project:{project}:environment:{environment}".format(**where)
        token = issuer.sign(where | {"sub": subject, "aud": asked.get("audience") or issuer.audience})
        return PlainTextResponse(token, headers={"Cache-Control": "no-store"})

    routes = [
        Route("/.well-known/openid-configuration", discovery),
        Route("/jwks", jwks),
        Route("/id-token", id_token),
        Route("/authorize", desk.authorize, methods=["GET", "POST"]),
        Route("/token", desk.token, methods=["POST"]),
    ]
    # Against a web page that rebinds its own name to this machine and reads a token.
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost"])])


def described(url: str) -> dict[str, Any]:
    """OpenID Connect Discovery 1.0, section 3."""
    return {
        "issuer": url,
        "jwks_uri": f"{url}/jwks",
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def from_here(request: Request) -> bool:
    return request.client is not None and ip_address(request.client.host).is_loopback


def clients(text: str) -> Mapping[str, str]:
    """client_id=redirect_uri, with commas between several."""
    pairs = (one.strip().partition("=") for one in text.split(",") if one.strip())
    return {name: redirect_uri for name, _, redirect_uri in pairs}


def main() -> None:
    port = int(os.environ.get("COUNTERFOIL_ISSUER_PORT", "8485"))
    signer = Signer(Path(os.environ.get("COUNTERFOIL_ISSUER_KEYS", ".counterfoil/issuer")))
    audience = os.environ.get("COUNTERFOIL_ISSUER_AUDIENCE", "counterfoil")
    url = os.environ.get("COUNTERFOIL_ISSUER_URL", f"http://{LOOPBACK}:{port}")
    tickets = Path(os.environ.get("COUNTERFOIL_ISSUER_TICKETS", ".counterfoil/tickets"))
    issuer = LocalIssuer(signer, audience, url, clients(os.environ.get("COUNTERFOIL_ISSUER_CLIENTS", "")), tickets)
    uvicorn.run(app(issuer), host=LOOPBACK, port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
