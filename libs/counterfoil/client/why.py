"""Why a token was rejected, in its own words: what it says beside what this exchange expects. It is the caller's own token that is read."""

import json
from datetime import UTC, datetime
from typing import Any

from counterfoil.client.errors import CounterfoilError
from counterfoil.wire.armor import from_url
from counterfoil.wire.secret import Secret

TOLD = frozenset({"wrong_audience", "expired", "not_yet_valid", "unknown_issuer"})


def told(error: CounterfoilError, token: Secret, audience: str) -> None:
    """Put it before the fix. A token that cannot be read leaves the fix as it is."""
    claims = unverified_claims(token)
    said = {
        "wrong_audience": f"aud is {shown(claims.get('aud'))}, this exchange expects `{audience}`" if "aud" in claims else "",
        "expired": f"the token ended at {moment(claims.get('exp'))}" if moment(claims.get("exp")) else "",
        "not_yet_valid": f"the token begins at {moment(claims.get('nbf'))}" if moment(claims.get("nbf")) else "",
        "unknown_issuer": f"iss is {shown(claims.get('iss'))}" if "iss" in claims else "",
    }.get(error.code)
    if said:
        error.fix = f"{said}. {error.fix}"


def unverified_claims(token: Secret) -> dict[str, Any]:
    try:
        found = json.loads(from_url(token.reveal().split(b".")[1]))
    except (ValueError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}


def shown(claim: object) -> str:
    return " and ".join(f"`{one}`" for one in claim) if isinstance(claim, list) else f"`{claim}`"


def moment(claim: object) -> str:
    """Empty where the claim is no time."""
    try:
        return datetime.fromtimestamp(float(claim), UTC).isoformat() if isinstance(claim, int | float) else ""
    except (ValueError, OverflowError, OSError):
        return ""
