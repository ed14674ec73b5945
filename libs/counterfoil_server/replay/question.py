"""What a recorded authorize decision was asked, for answers that are kept: all that it reads of the identity, and of the registry beside policies."""

from counterfoil.wire.canonical import canonical, digest
from counterfoil_server.runtime.snapshot import Snapshot, dumped

MEMBERS = ("issuer", "sub_hash", "subject", "project", "environment", "claims", "wish")
"""All of an identity that a decision reads, beside what was asked and the time."""
SECONDS = len("2026-11-24T12:00:00")
"""Cedar is told whole seconds."""


def registered(snapshot: Snapshot, connector: str, project: str) -> str:
    """By hash, what a decision reads of the registry beside policies: the connector, its links with the project, its installations."""
    own = snapshot.connectors.get(connector)
    found = snapshot.links_of(connector, project)
    return digest(canonical([dumped(own) if own else None, [dumped(one) for one in found], sorted(snapshot.installations.get(connector, ()))]))
