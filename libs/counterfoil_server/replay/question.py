"""What a recorded authorize decision was asked, for answers that are kept: all that it reads of the identity, and of the registry beside policies."""

from counterfoil.wire.canonical import canonical, digest
from counterfoil_server.runtime.snapshot import Snapshot, dumped

MEMBERS = ("issuer", "sub_hash", "subject", "project", "environment", "claims", "wish")
"""All of an identity that a decision reads, beside what was asked and the time."""
SECONDS = len("2026-11-24T12:00:00")
"""Cedar is told whole seconds."""


def registered(snapshot: Snapshot, connector: str) -> str:
    """By hash, what a decision about this connector reads of the registry beside policies: the connector, its links, its installations."""
    own = snapshot.connectors.get(connector)
    found = [one for (name, _), group in snapshot.by_project.items() if name == connector for one in group]
    return digest(canonical([dumped(own) if own else None, [dumped(one) for one in found], sorted(snapshot.installations.get(connector, ()))]))
