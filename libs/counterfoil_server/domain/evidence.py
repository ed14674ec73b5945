"""Whether a grant rests on its evidence: what a stolen policy key cannot get around."""

from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil.contracts.exchange_minted import RefusalCode
from counterfoil.contracts.exchange_requested import Wish
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.contracts.registry import Connector
from counterfoil_server.domain.ceiling import UNASKED, covered


def fault(grant: GrantApproved, who: IdentityVerified, wish_hash: str, wish: Wish, connector: Connector) -> RefusalCode | None:
    """`wish_hash` was made from the wish in the evidence, just now. Anything that policy added is a fault."""
    if grant.asked != who.asked or grant.caused_by != who.id or who.asked.wish_hash != wish_hash:
        return "evidence_mismatch"
    if (grant.issuer, grant.sub_hash, grant.project, grant.environment) != (who.issuer, who.sub_hash, who.project, who.environment):
        return "evidence_mismatch"
    if grant.connector != wish.connector or grant.connector != connector.name:
        return "evidence_mismatch"
    if grant.installation != (wish.installation or connector.installation) or grant.user != wish.user:
        return "evidence_mismatch"
    return None if within(grant, wish, connector) else "beyond_evidence"


def within(grant: GrantApproved, wish: Wish, connector: Connector) -> bool:
    """A wish that names no scope asks for the connector's own defaults; details narrow, so to leave them all out would be to widen."""
    asked = frozenset(wish.scopes) or (connector.scopes if not wish.details else frozenset())
    if not grant.scopes <= asked or grant.lifetime > (wish.lifetime or UNASKED):
        return False
    return bool(grant.details) == bool(wish.details) and all(covered(detail, wish.details) for detail in grant.details)
