"""What a fact says of itself as it is published: on the span of the stage that said it, and in the counts. A no is no error."""

from collections.abc import Callable, Mapping

from opentelemetry.metrics import Meter

from counterfoil.contracts.exchange_authorized import GrantApproved, GrantDenied
from counterfoil.contracts.exchange_minted import CredentialMinted, MintRefused
from counterfoil.contracts.exchange_verified import IdentityRejected, IdentityVerified
from counterfoil.contracts.revocation_ordered import RevocationOrdered
from counterfoil.contracts.revocation_settled import CredentialRevoked, RevocationStuck, RevocationUncertain, Settled
from counterfoil_server.runtime.telemetry import names
from counterfoil_server.runtime.telemetry.instruments import Counter, histogram

ALLOW, DENY, REJECT, REFUSE = "allow", "deny", "reject", "refuse"
Attributes = dict[str, str | int | float]


def provider_of(connector: str) -> str:
    return connector.partition("/")[0]


def verified(fact: IdentityVerified) -> Attributes:
    return {names.ISSUER: fact.issuer, names.REVISION: fact.basis.registry_revision}


def rejected(fact: IdentityRejected) -> Attributes:
    return {names.DECISION: REJECT, names.CODE: fact.code, names.REVISION: fact.basis.registry_revision}


def granted(fact: GrantApproved | GrantDenied) -> Attributes:
    decided: Attributes = {names.CONNECTOR: fact.connector, names.REVISION: fact.grounds.registry_revision}
    decided |= {names.POLICY: fact.grounds.policy_hash} if fact.grounds.policy_hash else {}
    if isinstance(fact, GrantDenied):
        return decided | {names.DECISION: DENY, names.CODE: fact.code}
    return decided | {names.DECISION: ALLOW, names.LIFETIME: fact.lifetime}


def minted(fact: CredentialMinted) -> Attributes:
    return {names.CONNECTOR: fact.connector, names.CREDENTIAL: str(fact.credential_id), names.CLASS: fact.revocation, names.LIFETIME: lent_for(fact)}


def refused(fact: MintRefused) -> Attributes:
    return {names.DECISION: REFUSE, names.CODE: fact.code, names.CONNECTOR: fact.connector}


def ordered(fact: RevocationOrdered) -> Attributes:
    return {names.CONNECTOR: fact.connector, names.CREDENTIAL: str(fact.credential_id), names.CAUSE: fact.cause}


def settled(fact: CredentialRevoked | RevocationStuck | RevocationUncertain) -> Attributes:
    return {names.CREDENTIAL: str(fact.credential_id), names.OUTCOME: fact.outcome}


def lent_for(fact: CredentialMinted) -> int:
    return round((fact.expires_at - fact.at).total_seconds())


TELLS: Mapping[type, Callable[..., Attributes]] = {
    IdentityVerified: verified, IdentityRejected: rejected, GrantApproved: granted, GrantDenied: granted, CredentialMinted: minted,
    MintRefused: refused, RevocationOrdered: ordered, CredentialRevoked: settled, RevocationStuck: settled, RevocationUncertain: settled,
}  # fmt: skip


def told(fact: object) -> Attributes:
    tells = TELLS.get(type(fact))
    return tells(fact) if tells else {}


def about(fact: object) -> Attributes:
    """What a record is about, by ids that the audit log has too."""
    if isinstance(fact, Settled | RevocationOrdered):
        return {names.CREDENTIAL: str(fact.credential_id)}
    request_id = getattr(getattr(fact, "asked", fact), "request_id", None)
    return {names.CONVERSATION: str(request_id)} if request_id else {}


class Counts:
    """By what was decided. One who is asked twice says it twice: a redelivered fact is counted again."""

    def __init__(self, meter: Meter) -> None:
        self._decisions, self._rejected = Counter(meter, names.DECISIONS), Counter(meter, names.VERIFY_FAILURES)
        self._refusals, self._lifetime = Counter(meter, names.REFUSALS), histogram(meter, names.LIFETIME_GRANTED)

    def count(self, fact: object) -> None:
        match fact:
            case GrantApproved():
                self._decisions.add(1, {names.BY_DECISION: ALLOW})
            case GrantDenied():
                self._decisions.add(1, {names.BY_DECISION: DENY, names.BY_REASON: fact.code})
            case IdentityRejected():
                self._rejected.add(1, {names.BY_REASON: fact.code})
            case MintRefused():
                self._refusals.add(1, {names.BY_PROVIDER: provider_of(fact.connector), names.BY_REASON: fact.code})
            case CredentialMinted():
                self._lifetime.record(lent_for(fact), {names.BY_PROVIDER: provider_of(fact.connector)})
