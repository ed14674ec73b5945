"""What a change of the registry meets: the entries it names or might collide with, read under the registry's lock."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from counterfoil.contracts.registry import Issuer, Link, Operator, Policy
from counterfoil.wire.canonical import NotCanonical, canonical
from counterfoil_server.runtime.concern import BadPolicy, parse
from counterfoil_server.runtime.snapshot import ENTRY, Entry, dumped
from counterfoil_server.runtime.store.changes import Change, Put, Remove
from counterfoil_server.runtime.store.database import Connection
from counterfoil_server.runtime.store.outdated import NOBODY, Concern, concern, together

FIRST_ADMIN = "first-admin"
LARGEST = 128 * 1024
Key = tuple[str, str]

READ = """SELECT entry FROM registry_entry WHERE (kind, name) IN (SELECT * FROM unnest($1::text[], $2::text[]))
    OR (kind = 'issuer' AND entry->>'issuer' = ANY($3::text[]))
    OR (kind = 'operator' AND entry->>'role' = 'admin')
    OR (kind = 'connector' AND name = ANY($4::text[]))
    OR (kind = 'link' AND (entry->>'connector', entry->>'project') IN (SELECT * FROM unnest($4::text[], $5::text[])))"""


class BadChange(ValueError):
    """This change is refused, whole; nothing of it was written."""


@dataclass
class Book:
    entries: dict[Key, Entry] = field(default_factory=dict)

    @classmethod
    async def read(cls, db: Connection, changes: Sequence[Change]) -> Self:
        puts = [change.entry for change in changes if isinstance(change, Put)]
        issuers = [entry.issuer for entry in puts if isinstance(entry, Issuer)]
        links = [entry for entry in puts if isinstance(entry, Link)]
        rows = await db.fetch(
            READ, [change.kind for change in changes], [change.name for change in changes], issuers,
            [link.connector for link in links], [link.project for link in links],
        )  # fmt: skip
        found = [ENTRY.validate_python(row["entry"]) for row in rows]
        return cls({(entry.kind, entry.name): entry for entry in found})

    def follow(self, changes: Sequence[Change]) -> list[tuple[Change, Concern]]:
        """Those that change something, each with the connectors whose older decisions are stale after it. Raises BadChange."""
        steps = [step for change in changes for step in self._step(change)]
        rivals: dict[tuple[str, ...], list[Entry]] = {}
        for one in self.entries.values():
            rivals.setdefault(place(one), []).append(one)
        for change in changes:
            if isinstance(change, Put):
                self._vet(change.entry, rivals.get(place(change.entry), ()))
        if any(change.kind == "operator" for change in changes) and not any(admin(entry) for entry in self.entries.values()):
            raise BadChange("this would leave no admin, and nobody could ever change the registry again")
        return steps

    def _step(self, change: Change) -> list[tuple[Change, Concern]]:
        if not isinstance(change, Put | Remove):
            return [(change, NOBODY)]
        key, old = (change.kind, change.name), self.entries.get((change.kind, change.name))
        new = change.entry if isinstance(change, Put) else None
        if old == new:
            return []
        if new is None:
            del self.entries[key]
        else:
            self.entries[key] = new
        return [*self._stand_in_leaves(new), (change, together(concern(old), concern(new)))]

    def _stand_in_leaves(self, new: Entry | None) -> list[tuple[Change, Concern]]:
        """The entry that let the first admin in goes when an operator declares the same issuer properly."""
        stand_in = self.entries.get(("issuer", FIRST_ADMIN))
        if not isinstance(new, Issuer) or not isinstance(stand_in, Issuer) or new.name == FIRST_ADMIN or new.issuer != stand_in.issuer:
            return []
        return self._step(Remove("issuer", FIRST_ADMIN))

    def _vet(self, entry: Entry, there: Sequence[Entry]) -> None:
        """`there`: whatever has the same place."""
        fits(entry)
        others = [one for one in there if one.name != entry.name]
        if isinstance(entry, Policy):
            try:
                parse(entry.cedar)
            except BadPolicy as error:
                raise BadChange(f"policy {entry.name}: {error}") from None
        if isinstance(entry, Issuer) and others:
            raise BadChange(f"issuer {entry.name}: another entry has this `issuer` already")
        if isinstance(entry, Link):
            if ("connector", entry.connector) not in self.entries:
                raise BadChange(f"link {entry.name}: there is no connector {entry.connector}")
            if any(isinstance(one, Link) and overlap(one, entry) for one in others):
                raise BadChange(f"link {entry.name}: another link of this project and connector has one of these environments")


def fits(entry: Entry) -> None:
    try:
        size = len(canonical(dumped(entry)))
    except NotCanonical as error:
        raise BadChange(f"{entry.kind} {entry.name}: {error}, and the audit log could not hold it") from None
    if size > LARGEST:
        raise BadChange(f"{entry.kind} {entry.name} has more than {LARGEST} bytes")


def place(entry: Entry) -> tuple[str, ...]:
    """Where there is room for one issuer, and for as many links as there are environments. Looked up: a large registry is put at once, too."""
    match entry:
        case Issuer():
            return "issuer", entry.issuer
        case Link():
            return "link", entry.connector, entry.project
        case _:
            return entry.kind, entry.name


def admin(entry: Entry) -> bool:
    return isinstance(entry, Operator) and entry.role == "admin"


def overlap(one: Link, other: Link) -> bool:
    return not one.environments.isdisjoint(other.environments)
