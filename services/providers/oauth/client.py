"""How a client proves itself to an authorization server. RFC 6749 section 2.3, RFC 7523 section 2.2."""

import base64
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from counterfoil.wire.secret import Secret
from services.providers.oauth.config import Config
from services.providers.seam import Refused
from services.providers.web.keys import Keys, from_pem
from services.providers.web.talk import Form

Key = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey
LIFE = timedelta(seconds=60)
"""Of an assertion: the window in which a request that is on its way can still be obeyed."""
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def private_key(pem: Secret) -> Key:
    key = from_pem(pem)
    if isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey):
        return key
    raise Refused("bad_key", "the root secret is no private key (PEM, RSA of 2048 bits or more, EC or Ed25519)")


async def proof(config: Config, secret: Secret, token_endpoint: str, keys: Keys[Key]) -> tuple[dict[str, str], Form]:
    """Headers and members of the form, anew for each request: no assertion is used twice."""
    if config.auth == "client_secret_basic":
        pair = f"{quote_plus(config.client_id)}:{quote_plus(secret.reveal())}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}, ()
    if config.auth == "client_secret_post":
        return {}, (("client_id", config.client_id), ("client_secret", text(secret)))
    if config.auth == "none":
        return {}, (("client_id", config.client_id),)
    key, now = await keys.of(secret), datetime.now(UTC)
    shown = signed(config, key, token_endpoint, {"iss": config.client_id, "sub": config.client_id, "iat": now, "exp": now + LIFE})
    return {}, (("client_id", config.client_id), ("client_assertion_type", ASSERTION), ("client_assertion", shown))


def signed(config: Config, key: Key, token_endpoint: str, who: Mapping[str, object]) -> str:
    """For this server alone, and no other like it."""
    audience = config.issuer if config.assertion_audience == "issuer" else token_endpoint
    claims = {**who, "aud": audience, "jti": secrets.token_urlsafe(24)}
    try:
        return jwt.encode(claims, key, config.algorithm, {"kid": config.key_id} if config.key_id else None)
    except (jwt.PyJWTError, ValueError, TypeError):
        pass
    raise Refused("bad_key", "the root secret is no private key for this algorithm")


def text(secret: Secret) -> str:
    try:
        return secret.text()
    except ValueError:
        raise Refused("bad_secret", "the root secret is not text") from None
