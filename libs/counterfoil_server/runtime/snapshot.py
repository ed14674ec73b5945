"""The registry at one revision: what operators declared, ready to be looked up. Never changed; the next one takes its place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Self

from pydantic import TypeAdapter

from counterfoil.contracts.base import JsonObject
from counterfoil.contracts.registry import Connector, Installation, Issuer, Link, Operator, Policy, Registered, ordered

Entry = Issuer | Connector | Installation | Link | Policy | Operator
ENTRY: TypeAdapter[Entry] = TypeAdapter(Registered)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`issuers` by their exact `iss`, `operators` by (issuer, subject), the rest by name; `links` by connector, project and environment,
    `installations` by connector and installation.
    """

    revision: int
    issuers: Mapping[str, Issuer]
    connectors: Mapping[str, Connector]
    installations: Mapping[str, Mapping[str, Installation]]
    links: Mapping[tuple[str, str, str], Link]
    policies: Mapping[str, Policy]
    operators: Mapping[tuple[str, str], Operator]
    by_project: Mapping[tuple[str, str], tuple[Link, ...]]
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, revision: int, entries: Iterable[Entry]) -> Self:
        found = tuple(sorted(entries, key=lambda entry: (entry.kind, entry.name)))
        links = [entry for entry in found if isinstance(entry, Link)]
        tenants = [entry for entry in found if isinstance(entry, Installation)]
        return cls(
            revision=revision,
            issuers={entry.issuer: entry for entry in found if isinstance(entry, Issuer)},
            connectors={entry.name: entry for entry in found if isinstance(entry, Connector)},
            installations={name: {one.installation: one for one in group} for name, group in groupby(tenants, key=lambda one: one.connector)},
            links={(link.connector, link.project, environment): link for link in links for environment in link.environments},
            policies={entry.name: entry for entry in found if isinstance(entry, Policy)},
            operators={(entry.issuer, entry.subject): entry for entry in found if isinstance(entry, Operator)},
            by_project={pair: tuple(group) for pair, group in groupby(sorted(links, key=pair_of), key=pair_of)},
            entries=found,
        )

    def link(self, connector: str, project: str, environment: str) -> Link | None:
        return self.links.get((connector, project, environment))

    def links_of(self, connector: str, project: str) -> tuple[Link, ...]:
        return self.by_project.get((connector, project), ())

    def config(self, connector: Connector, installation: str) -> Mapping[str, object]:
        """The connector's, with what differs there."""
        there = self.installations.get(connector.name, {}).get(installation)
        return {**connector.config, **there.config} if there else connector.config


def dumped(entry: Entry) -> JsonObject:
    """As JSON with its sets sorted: equal entries, equal bytes."""
    found: JsonObject = ordered(entry.model_dump(mode="python"))
    return found


def pair_of(link: Link) -> tuple[str, str]:
    return link.connector, link.project


EMPTY = Snapshot.of(0, ())
