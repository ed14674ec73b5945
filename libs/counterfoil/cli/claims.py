"""The claims of a token, read and not proven: for showing to the one who holds it."""

from typing import Any

from counterfoil.client.ambient.peek import claims_of
from counterfoil.client.errors import NoIdentity
from counterfoil.wire.secret import Secret


def unverified_claims(token: Secret) -> dict[str, Any]:
    claims = claims_of(token)
    if claims is None:
        raise NoIdentity("no_identity", "the token is no JWT", fix="COUNTERFOIL_ID_TOKEN must be the OIDC token of your platform")
    return claims
