"""What the registry says about a caller and the connector that it asks for: looked up once, and alike wherever it is decided."""

from collections.abc import Collection, Mapping
from typing import Protocol

from counterfoil.contracts.exchange_authorized import Evidence, Grounds
from counterfoil.contracts.exchange_verified import IdentityVerified
from counterfoil.contracts.registry import Connector, Link
from counterfoil_server.domain.grants import Known


class Book(Protocol):
    """The registry at one revision."""

    @property
    def revision(self) -> int: ...
    @property
    def connectors(self) -> Mapping[str, Connector]: ...
    @property
    def installations(self) -> Mapping[str, Collection[str]]: ...
    def link(self, connector: str, project: str, environment: str) -> Link | None: ...
    def links_of(self, connector: str, project: str) -> tuple[Link, ...]: ...


def look_up(book: Book, who: IdentityVerified, evidence: Evidence) -> Known:
    connector = str(who.wish.get("connector"))
    return Known(
        Grounds(registry_revision=book.revision),
        evidence,
        book.connectors.get(connector),
        book.link(connector, who.project, who.environment),
        book.links_of(connector, who.project),
        frozenset(book.installations.get(connector, ())),
    )
