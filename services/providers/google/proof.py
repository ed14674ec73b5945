"""How a service account proves itself: by a JWT that its key signs. RFC 7523 section 2.1.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from counterfoil.wire.secret import Secret
from services.providers.seam import Refused
from services.providers.web.document import body
from services.providers.web.keys import from_pem

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""What making tokens for another account wants."""
LIFE = timedelta(minutes=5)
"""Google's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Account:
    email: str
    key_id: str
    key: RSAPrivateKey = field(repr=False)


def account(secret: Secret) -> Account:
    """Of the file that Google gives. Where it says that it proves itself is the connector's to say, not the file's."""
    said = body(secret.reveal())
    email, key_id, pem = said.get("client_email"), said.get("private_key_id"), said.get("private_key")
    key = from_pem(Secret(pem)) if isinstance(pem, str) else None
    if said.get("type") == "service_account" and isinstance(email, str) and isinstance(key_id, str) and isinstance(key, RSAPrivateKey):
        return Account(email, key_id, key)
    raise Refused("bad_key", "the root secret is no key of a service account: Google gives one as a JSON file")


def assertion(known: Account, audience: str) -> str:
    now = datetime.now(UTC)
    claims = {"iss": known.email, "scope": SCOPE, "aud": audience, "iat": now, "exp": now + LIFE}
    return jwt.encode(claims, known.key, "RS256", {"kid": known.key_id})
