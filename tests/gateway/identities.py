"""An issuer in this process, and those whom it knows: an app, another app, and operators of each role."""

import json
import time
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm

from counterfoil.contracts.registry import Ceiling, Connector, Issuer, Link, Mapped, Operator
from counterfoil_server.runtime.snapshot import Entry

ROLES: tuple[Literal["viewer", "operator", "admin"], ...] = ("viewer", "operator", "admin")
ISSUER = "https://issuer.example"
KEY, STRANGE_KEY = generate_private_key(65537, 2048), generate_private_key(65537, 2048)
CLAIM = {"project": Mapped(claim="project"), "environment": Mapped(claim="environment")}
CONFIG: dict[str, Any] = {"host": "db.example", "database": "shop", "broker": "broker", "schemas": ["public"]}
ENTRIES: tuple[Entry, ...] = (
    Issuer(name="example", issuer=ISSUER, pins={"owner": "acme"}, **CLAIM),
    Connector(name="postgres/demo", config=CONFIG),
    Link(connector="postgres/demo", project="web", environments=frozenset({"production"}), ceiling=Ceiling(scopes=frozenset({"read"}))),
    *(Operator(issuer=ISSUER, subject=role, role=role) for role in ROLES),
)


class FakeIssuer:
    """Careful http's place: answers as the issuer would, and counts who asked for what."""

    def __init__(self) -> None:
        self.fetched: list[str] = []

    async def fetch_json(self, url: str) -> bytes:
        self.fetched.append(url)
        if url.endswith("/.well-known/openid-configuration"):
            return json.dumps({"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks"}).encode()
        jwk = dict(RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True))
        jwk.pop("key_ops", None)
        return json.dumps({"keys": [jwk | {"kid": "1", "alg": "RS256", "use": "sig"}]}).encode()


def token(subject: str = "app", audience: str = "http://gateway.test", *, key: Any = KEY, **claims: Any) -> str:
    now = int(time.time())
    usual = {
        "iss": ISSUER,
        "aud": audience,
        "sub": subject,
        "iat": now,
        "exp": now + 300,
        "owner": "acme",
        "project": "web",
        "environment": "production",
    }
    said = {name: value for name, value in (usual | claims).items() if value is not None}
    return jwt.encode(said, key, algorithm="RS256", headers={"kid": "1"})


def bearer(subject: str = "app", **more: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {token(subject, **more)}"}
