"""oidc-provider, running: an authorization server that nobody of ours wrote, and its clients."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from counterfoil.wire.secret import Secret
from services.providers import shelf
from tests.providers.desk import Desk
from tests.support.node import Node

SECRETS = {"acme": "s3cret: with +odd% &characters"} | dict.fromkeys(("posts", "brief", "people", "exchanger", "device"), "s3cret")


@dataclass(frozen=True)
class Oidc:
    url: str
    key: str = field(repr=False)
    """Of the client `keyed`, PEM."""

    def config(self, client: str = "acme", **config: Any) -> dict[str, Any]:
        return {"issuer": self.url, "client_id": client, "network": "this_machine", **config}

    def desk(self, client: str = "acme", *scopes: str, **config: Any) -> Desk:
        root = {"secret": Secret(SECRETS.get(client, self.key))}
        given = self.config(client, **config)
        away = {**given, "token_endpoint": "http://127.0.0.1:1/token", "revocation_endpoint": "http://127.0.0.1:1/revoke"}
        return Desk(shelf.provider("oauth2"), given, root, frozenset(scopes or {"read"}), away)

    async def says(self, token: str) -> Mapping[str, Any]:
        """Introspection by a client of the test's own, without a line of ours."""
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(
                f"{self.url}/token/introspection", data={"token": token, "client_id": "posts", "client_secret": SECRETS["posts"]}
            )
        return dict(answer.raise_for_status().json())

    async def active(self, token: str) -> bool:
        return bool((await self.says(token))["active"])


@pytest.fixture(scope="session", name="oidc")
async def running(node: Node) -> Oidc:
    key = ec.generate_private_key(ec.SECP256R1())
    public = {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())), "use": "sig", "alg": "ES256", "kid": "k1"}
    url = await node.start("oidc.mjs", "{port}", JWKS=json.dumps({"keys": [public]}))
    return Oidc(url, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
