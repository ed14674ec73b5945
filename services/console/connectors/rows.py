"""Connectors as the database has them: their fence, what lives of theirs, and how old their root secrets are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from counterfoil.contracts.registry import Connector, Link
from counterfoil_server.runtime.store.database import Pool

PAGE, FEW, CAP = 25, 50, 1000
# Each count ends at its cap, on an index: a connector may have a hundred thousand.
LISTED = """
    SELECT e.name, e.entry, e.revision, c.state, c.epoch,
        (SELECT count(*) FROM (SELECT FROM mint WHERE connector = e.name
            AND state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain') LIMIT 1001) AS several) AS live,
        coalesce(n.installations, 0) AS installations,
        (SELECT max(at) FROM root_secret r WHERE r.connector = e.name) AS secret_at
    FROM registry_entry e LEFT JOIN connector c ON c.name = e.name
    LEFT JOIN (SELECT entry ->> 'connector' AS connector, count(*) AS installations FROM registry_entry WHERE kind = 'installation' GROUP BY 1) n
        ON n.connector = e.name
    WHERE e.kind = 'connector' AND {}
"""
AFTER = LISTED.format('e.name COLLATE "C" > $1 AND ($2 = \'\' OR position($2 IN e.name) > 0) ORDER BY e.name COLLATE "C" LIMIT $3')
ONE = LISTED.format("e.name = $1")
SECRETS = """SELECT installation, field, max(version) AS version, max(at) AS at FROM root_secret WHERE connector = $1
    GROUP BY installation, field ORDER BY installation, field LIMIT $2"""
LINKS = "SELECT entry FROM registry_entry WHERE kind = 'link' AND entry ->> 'connector' = $1 ORDER BY name LIMIT $2"
TENANTS = "SELECT name FROM registry_entry WHERE kind = 'installation' AND entry ->> 'connector' = $1 ORDER BY name LIMIT $2"


@dataclass(frozen=True, slots=True)
class Row:
    connector: Connector
    revision: int
    state: str
    epoch: int
    live: str
    installations: int
    secret_at: datetime | None

    @property
    def name(self) -> str:
        return self.connector.name


def row(found: Any) -> Row:
    connector = Connector.model_validate(found["entry"])
    return Row(
        connector, found["revision"], found["state"] or "active", found["epoch"] or 1, capped(found["live"]),
        found["installations"] + 1, found["secret_at"],
    )  # fmt: skip


def capped(number: int) -> str:
    return f"{CAP:,}+" if number > CAP else f"{number:,}"


async def page(db: Pool, after: str, containing: str) -> tuple[Sequence[Row], str | None]:
    """And the name that the next page begins behind."""
    found = [row(one) for one in await db.fetch(AFTER, after, containing, PAGE + 1)]
    return found[:PAGE], found[PAGE - 1].name if len(found) > PAGE else None


async def one(db: Pool, name: str) -> Row | None:
    found = await db.fetchrow(ONE, name)
    return row(found) if found else None


async def links_of(db: Pool, name: str) -> Sequence[Link]:
    return [Link.model_validate(one["entry"]) for one in await db.fetch(LINKS, name, FEW)]


async def tenants(db: Pool, name: str) -> Sequence[str]:
    return [one["name"] for one in await db.fetch(TENANTS, name, FEW)]


async def secrets(db: Pool, name: str) -> Sequence[Any]:
    found: Sequence[Any] = await db.fetch(SECRETS, name, FEW)
    return found
