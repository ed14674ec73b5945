"""How a GitHub App proves itself: by a JWT that its private key signs.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

from datetime import UTC, datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from counterfoil.wire.secret import Secret
from services.providers.seam import Refused
from services.providers.web.keys import from_pem

SKEW = timedelta(seconds=30)
"""GitHub's clock may be ahead of ours: a JWT that ends with the call itself would be refused there."""
BACKDATED = timedelta(seconds=60)
"""As GitHub advises, for a clock that is behind."""


def private_key(pem: Secret) -> RSAPrivateKey:
    key = from_pem(pem)
    if isinstance(key, RSAPrivateKey):
        return key
    raise Refused("bad_key", "the root secret is no private key of an app: GitHub gives one as a PEM file")


def proof(app: str, key: RSAPrivateKey, closes: datetime) -> str:
    """Its end is that of the request: what is still on its way then is refused by GitHub itself."""
    issued = datetime.now(UTC) - BACKDATED
    return jwt.encode({"iss": app, "iat": int(issued.timestamp()), "exp": int((closes + SKEW).timestamp())}, key, "RS256")
