"""A decision is worth nothing without the identity it rests on: signed by the verifier, about the same request, and no narrower than the grant."""

from counterfoil.contracts import exchange_verified
from counterfoil.contracts.exchange_authorized import GrantApproved
from counterfoil.contracts.exchange_minted import RefusalCode
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.wire.canonical import canonical, digest
from counterfoil.wire.envelope import Unreadable, decode
from counterfoil.wire.signing import BadSignature, Checker
from counterfoil_server.domain import evidence, limits, wishes
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.stage import DeadLetter, Received
from services.providers.shelf import Shelf
from services.providers.wanted import Wanted


class Checks:
    def __init__(self, checker: Checker, registry: Registry, shelf: Shelf) -> None:
        self._checker, self._registry, self._shelf = checker, registry, shelf

    def check(self, received: Received, now: float) -> Wanted | RefusalCode:
        """Evidence of a foreign hand is a dead letter; a grant beyond good evidence is refused, by name."""
        grant: GrantApproved = received.fact
        who = self._identity(grant, now)
        snapshot = self._registry.snapshot
        connector = snapshot.connectors.get(grant.connector)
        provider = self._shelf.provider(connector.provider) if connector else None
        if connector is None or provider is None:
            return "unknown_connector"
        wish_hash = digest(canonical(who.wish))
        try:
            fault = evidence.fault(grant, who, wish_hash, wishes.read(who.wish), connector)
        except wishes.BadWish:
            fault = "evidence_mismatch"
        if fault:
            return fault
        caps = limits.caps(grant, connector, snapshot.link(grant.connector, grant.project, grant.environment))
        config = snapshot.config(connector, grant.installation)
        return Wanted(received, grant, who, digest(received.value), connector, provider, config, caps)

    def _identity(self, grant: GrantApproved, now: float) -> IdentityVerified:
        value = grant.evidence.value.encode()
        try:
            self._checker.check(str(exchange_verified.TOPIC), value, grant.evidence.signature.encode(), exchange_verified.TOPIC.written_by, now)
            who = decode(exchange_verified.TOPIC, value, {})
        except (BadSignature, Unreadable, UnicodeError):
            who = None
        if not isinstance(who, IdentityVerified):
            raise DeadLetter("bad_evidence")
        return who
