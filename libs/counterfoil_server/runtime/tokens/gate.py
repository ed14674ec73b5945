"""The strict gate in front of PyJWT, which only does the maths: one key, one algorithm. RFC 8725."""

from datetime import datetime

from counterfoil.contracts.registry import Issuer
from counterfoil_server.runtime.tokens.claims import check_claims
from counterfoil_server.runtime.tokens.keyset import KeySet
from counterfoil_server.runtime.tokens.rejected import Rejected, closed
from counterfoil_server.runtime.tokens.shape import Unverified
from counterfoil_server.runtime.tokens.signatures import Signatures


@closed
def verified(
    token: Unverified, issuer: Issuer, keys: KeySet, audience: str, now: datetime, signatures: Signatures | None = None
) -> dict[str, object]:
    """The claims, proven. `audience` is the installation's; an issuer entry with its own wins. Raises Rejected, and nothing else."""
    if token.unverified_issuer != issuer.issuer:
        raise Rejected("unknown_issuer", "the token is another issuer's")
    check_header(token.header, issuer)
    alg, kid = str(token.header["alg"]), token.header.get("kid")
    key = keys.key(None if kid is None else str(kid), alg)
    if not (signatures.verifies(token, issuer, keys, key) if signatures is not None else key.verifies(alg, token.signing_input, token.signature)):
        raise Rejected("bad_signature", "the signature is not the issuer's")
    check_claims(token.unverified_claims, issuer, issuer.audience or audience, now)
    return token.unverified_claims


def check_header(header: dict[str, object], issuer: Issuer) -> None:
    if header["alg"] not in issuer.algorithms:
        raise Rejected("algorithm", "the issuer's entry does not allow this algorithm")
    if "typ" in header and header["typ"] not in issuer.types:
        raise Rejected("bad_header", "the issuer's entry does not allow this typ")
    if "x5t" in header and not issuer.ignore_x5t:
        raise Rejected("bad_header", "the header has x5t, which the issuer's entry does not ignore")
