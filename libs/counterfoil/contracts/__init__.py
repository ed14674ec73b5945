"""Every message on the bus, one module per topic. TOPICS is the whole map."""

from counterfoil.contracts import (
    audit_recorded,
    consent_returned,
    consent_settled,
    exchange_authorized,
    exchange_minted,
    exchange_replied,
    exchange_requested,
    exchange_verified,
    registry_changed,
    revocation_ordered,
    revocation_requested,
    revocation_settled,
)
from counterfoil.contracts.base import Topic

TOPICS: tuple[Topic, ...] = (
    exchange_requested.TOPIC,
    exchange_verified.TOPIC,
    exchange_authorized.TOPIC,
    exchange_minted.TOPIC,
    exchange_replied.TOPIC,
    revocation_requested.TOPIC,
    revocation_ordered.TOPIC,
    revocation_settled.TOPIC,
    registry_changed.TOPIC,
    consent_returned.TOPIC,
    consent_settled.TOPIC,
    audit_recorded.TOPIC,
)
