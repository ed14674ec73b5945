"""The claims of a token, read and not proven: for showing to the one who holds it."""

import base64
import json
from typing import Any

from counterfoil.client.errors import NoIdentity
from counterfoil.wire.secret import Secret


def unverified_claims(token: Secret) -> dict[str, Any]:
    parts = token.text().split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError):
        claims = None
    if not isinstance(claims, dict):
        raise NoIdentity("no_identity", "the token is no JWT", fix="COUNTERFOIL_ID_TOKEN must be the OIDC token of your platform")
    return claims
