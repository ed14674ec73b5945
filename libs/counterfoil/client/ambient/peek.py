"""What a token says of itself, read and not proven: only to see whether it is worth sending."""

import base64
import json
from typing import Any

from counterfoil.wire.secret import Secret


def claims_of(token: Secret) -> dict[str, Any] | None:
    """None where it is no JWT."""
    parts = token.text().split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError):
        claims = None
    return claims if isinstance(claims, dict) else None


def unverified(token: Secret) -> dict[str, Any]:
    """Empty where it is no JWT."""
    return claims_of(token) or {}


def audiences(token: Secret) -> list[str]:
    found = unverified(token).get("aud")
    return found if isinstance(found, list) else [found] if isinstance(found, str) else []
