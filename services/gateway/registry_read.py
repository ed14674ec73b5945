"""The registry's rows as /v1 reads them: each entry with its own revision, which is its entity tag."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.contracts.registry import Connector, Installation
from counterfoil_server.runtime.snapshot import ENTRY, Entry, dumped
from counterfoil_server.runtime.store.database import Connection, Pool

Key = tuple[str, str]
PAGE = """SELECT head.revision AS head, entry.name, entry.revision, entry.entry FROM registry_head head LEFT JOIN LATERAL (
    SELECT name, revision, entry FROM registry_entry WHERE kind = $1 AND ($2::text IS NULL OR name COLLATE "C" > $2)
    ORDER BY name COLLATE "C" LIMIT $3) entry ON true ORDER BY entry.name COLLATE "C" """
ONE = "SELECT revision, entry FROM registry_entry WHERE kind = $1 AND name = $2"
# What a change names and whatever hangs together with it, so that not all of a large registry is read while its lock is held.
CONCERNED = """SELECT head.revision AS head, entry.kind, entry.name, entry.revision, entry.entry
    FROM registry_head head LEFT JOIN registry_entry entry ON $1::boolean
    OR (kind, name) IN (SELECT * FROM unnest($2::text[], $3::text[])) OR (kind = 'connector' AND name = ANY($4::text[]))
    OR (kind IN ('link', 'installation') AND entry->>'connector' = ANY($4::text[])) OR ($5::boolean AND kind IN ('issuer', 'operator'))"""
SECRETS = "SELECT connector, installation, field, max(version) AS version FROM root_secret WHERE connector = ANY($1::text[]) GROUP BY 1, 2, 3"
FENCES = "SELECT name, state, epoch, revision FROM connector WHERE name = ANY($1::text[])"


@dataclass(frozen=True, slots=True)
class Held:
    """An entry as it is there."""

    entry: Entry
    revision: int


@dataclass(frozen=True, slots=True)
class Moment:
    """What was there when the registry's lock was taken."""

    revision: int
    held: Mapping[Key, Held]

    def tag(self, key: Key) -> str | None:
        return str(self.held[key].revision) if key in self.held else None


async def everything(db: Pool) -> Moment:
    return moment(await db.fetch(CONCERNED, True, [], [], [], True))


async def concerned(db: Connection, keys: Sequence[Key], connectors: Iterable[str], *, everything: bool, callers: bool) -> Moment:
    """`callers`: issuers and operators too, for who may not be locked out."""
    return moment(await db.fetch(CONCERNED, everything, [kind for kind, _ in keys], [name for _, name in keys], sorted(set(connectors)), callers))


def moment(rows: Sequence[Any]) -> Moment:
    """One statement, so one moment."""
    held = {(row["kind"], row["name"]): Held(ENTRY.validate_python(row["entry"]), row["revision"]) for row in rows if row["kind"]}
    return Moment(rows[0]["head"], held)


async def page(db: Pool, kind: str, after: str | None, limit: int) -> tuple[int, list[Held]]:
    rows = await db.fetch(PAGE, kind, after, limit)
    return rows[0]["head"], [Held(ENTRY.validate_python(row["entry"]), row["revision"]) for row in rows if row["name"]]


async def one(db: Pool, kind: str, name: str) -> Held | None:
    row = await db.fetchrow(ONE, kind, name)
    return None if row is None else Held(ENTRY.validate_python(row["entry"]), row["revision"])


async def shown(db: Pool, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """With what the fence knows of connectors, and the latest version of each root secret: never more of it."""
    connectors = sorted({found for one in entries if (found := connector_of(one))})
    fences = {row["name"]: row for row in await db.fetch(FENCES, connectors)} if connectors else {}
    versions: dict[Key, dict[str, int]] = {}
    for row in await db.fetch(SECRETS, connectors) if connectors else []:
        versions.setdefault((row["connector"], row["installation"]), {})[row["field"]] = row["version"]
    return [{"name": one.name, **dumped(one), **beside(one, fences, versions)} for one in entries]


def connector_of(entry: Entry) -> str | None:
    return entry.name if isinstance(entry, Connector) else entry.connector if isinstance(entry, Installation) else None


def beside(entry: Entry, fences: Mapping[str, Any], versions: Mapping[Key, Mapping[str, int]]) -> dict[str, Any]:
    connector = connector_of(entry)
    if connector is None or not isinstance(entry, Connector | Installation):
        return {}
    found: dict[str, Any] = {"secrets": versions.get((connector, entry.installation), {})}
    if isinstance(entry, Connector) and (row := fences.get(connector)):
        found |= {"state": row["state"], "epoch": row["epoch"], "revision": row["revision"]}
    return found
