"""How a GitHub App proves itself: by a JWT that its private key signs.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from counterfoil.wire.lru import Lru
from counterfoil.wire.secret import Secret
from services.providers.seam import Refused

SKEW = timedelta(seconds=30)
"""GitHub's clock may be ahead of ours: a JWT that ends with the call itself would be refused there."""
BACKDATED = timedelta(seconds=60)
"""As GitHub advises, for a clock that is behind."""
SMALLEST = 2048


class Keys:
    """Read once each: whether its numbers fit each other is tried then, and that takes tens of milliseconds."""

    def __init__(self) -> None:
        self._held: Lru[bytes, RSAPrivateKey] = Lru(64)

    async def of(self, pem: Secret) -> RSAPrivateKey:
        digest = sha256(pem.reveal()).digest()
        key = self._held.get(digest)
        if key is None:
            key = await asyncio.to_thread(private_key, pem)
            self._held.put(digest, key)
        return key


def private_key(pem: Secret) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.reveal(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, RSAPrivateKey) and key.key_size >= SMALLEST:
        return key
    raise Refused("bad_key", "the root secret is no private key of an app: GitHub gives one as a PEM file")


def proof(app: str, key: RSAPrivateKey, closes: datetime) -> str:
    """Its end is that of the request: what is still on its way then is refused by GitHub itself."""
    issued = datetime.now(UTC) - BACKDATED
    return jwt.encode({"iss": app, "iat": int(issued.timestamp()), "exp": int((closes + SKEW).timestamp())}, key, "RS256")
