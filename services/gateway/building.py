"""The doors, built around what they share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from counterfoil_server.runtime.keys import KeyRing
from counterfoil_server.runtime.registry import Registry
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.telemetry.spans import Telemetry
from counterfoil_server.runtime.tokens.jwks import Jwks
from services.gateway.asker import Asker
from services.gateway.callers import Callers
from services.gateway.catalog import Catalog
from services.gateway.consent_bringing import Bringing, Send
from services.gateway.consent_door import BACK, ConsentDoor
from services.gateway.consents import Consents
from services.gateway.explaining import Explainer
from services.gateway.ledger import Ledger
from services.gateway.operators import Operators, Permits
from services.gateway.orders import Orders
from services.gateway.progress import Progress
from services.gateway.pulse import Pulse
from services.gateway.registering import Registering
from services.gateway.registry_book import RegistryBook
from services.gateway.revoke_door import RevokeDoor
from services.gateway.routes import Doors
from services.gateway.settled import Settled
from services.gateway.standing import Standing
from services.gateway.token_door import TokenDoor
from services.gateway.tracing import Tracing
from services.gateway.v1_audit import AuditDoor
from services.gateway.v1_audit_proofs import ProofDoor
from services.gateway.v1_audit_tlog import TlogDoor
from services.gateway.v1_consents import ConsentsDoor
from services.gateway.v1_credentials import Credentials
from services.gateway.v1_dead_letters import DeadLetters
from services.gateway.v1_entries import of_every_kind
from services.gateway.v1_explain import ExplainDoor
from services.gateway.v1_grants import GrantsDoor
from services.gateway.v1_policies import PoliciesDoor
from services.gateway.v1_providers import ProvidersDoor
from services.gateway.v1_registry import RegistryDoor
from services.gateway.v1_revocations import Revocations
from services.gateway.v1_stops import Stops
from services.gateway.waiting import Waiting
from services.gateway.wellknown import WellKnown


@dataclass(frozen=True)
class Shared:
    """What stands behind the doors."""

    audience: str
    db: Pool
    keys: KeyRing
    telemetry: Telemetry
    now: Clock
    registry: Registry
    jwks: Jwks
    permits: Permits
    asker: Asker
    waiting: Waiting
    settled: Settled
    consented: Settled
    send: Send
    public: Mapping[str, Any]
    """What /.well-known/counterfoil says beside the keys."""
    development: bool = False
    catalog: Catalog = field(default_factory=Catalog.read)
    console: str | None = None


def doors(shared: Shared) -> Doors:
    base, db, now = shared.audience.rstrip("/"), shared.db, shared.now
    callers = Callers(shared.registry, shared.jwks, shared.audience, shared.keys.shared("subject"), now)
    at_v1 = Callers(shared.registry, shared.jwks, shared.audience, shared.keys.shared("subject"), now, shared.console)
    operators, ledger, orders = Operators(at_v1, shared.permits), Ledger(db, shared.keys.shared("lookup")), Orders(db, now)
    explainer, consents = Explainer(shared.registry, Standing(db), now), Consents(db, shared.keys, base + BACK)
    asking = ConsentsDoor(operators, consents, explainer, shared.registry, now, base)
    registering = Registering(RegistryBook(db, shared.catalog), shared.registry, now)
    tracing = Tracing(shared.telemetry, development=shared.development, providers=shared.catalog.names())
    return Doors(
        base=base,
        token=TokenDoor(shared.asker, shared.waiting, Pulse(db), tracing, asking.after, base),
        revoke=RevokeDoor(callers, ledger, orders, shared.settled, Standing(db), now, base),
        wellknown=WellKnown(base, shared.keys, shared.public),
        explain=ExplainDoor(at_v1, operators, shared.registry, explainer),
        credentials=Credentials(operators, ledger),
        revocations=Revocations(operators, ledger, orders, Progress(db), shared.settled, now),
        registry=RegistryDoor(operators, db, registering),
        entries=of_every_kind(operators, db, registering),
        policies=PoliciesDoor(operators, registering),
        providers=ProvidersDoor(operators, shared.catalog),
        stops=Stops(operators, db, now),
        dead_letters=DeadLetters(operators, db, now),
        audit=AuditDoor(operators, db),
        proofs=ProofDoor(operators, db),
        tlog=TlogDoor(operators, db),
        consents=asking,
        grants=GrantsDoor(operators, db, now),
        people=ConsentDoor(consents, Bringing(consents, shared.keys, shared.send, shared.consented, now)),
    )
