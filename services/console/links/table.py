"""Links as a table of places by connectors, with the ceiling of each. Pure but for the reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil.contracts.registry import Link
from counterfoil_server.runtime.store.database import Pool

PAGE, COLUMNS, CAP, SEEN = 200, 8, 1000, 20_000
LISTED = """
    SELECT name, entry FROM registry_entry WHERE kind = 'link' AND name COLLATE "C" > $1
        AND ($2 = '' OR position($2 IN entry ->> 'project') > 0) AND ($3 = '' OR entry ->> 'connector' = $3)
        AND ($4 = '' OR entry -> 'environments' ? $4)
    ORDER BY name COLLATE "C" LIMIT $5
"""
ONE = "SELECT entry, revision FROM registry_entry WHERE kind = 'link' AND name = $1"
CONNECTORS = "SELECT name FROM registry_entry WHERE kind = 'connector' ORDER BY name LIMIT 500"
# Of the connector's live ones as many as an index gives quickly; among those, this link's.
LIVE = """
    SELECT count(*) FILTER (WHERE project = $2 AND environment = ANY($3::text[])) AS live, count(*) AS seen FROM (
        SELECT project, environment FROM mint
        WHERE connector = $1 AND state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain') LIMIT $4) AS several
"""


@dataclass(frozen=True, slots=True)
class Matrix:
    """`rows`: a place, and by connector the link that covers it. `wide`: too many connectors for columns, so each cell is a row."""

    connectors: Sequence[str]
    rows: Sequence[tuple[str, str, Mapping[str, Link]]]

    @property
    def wide(self) -> bool:
        return len(self.connectors) > COLUMNS


@dataclass(frozen=True, slots=True)
class Filter:
    project: str = ""
    connector: str = ""
    environment: str = ""

    def __bool__(self) -> bool:
        return bool(self.project or self.connector or self.environment)


def matrix(links: Sequence[Link], environment: str = "") -> Matrix:
    places: dict[tuple[str, str], dict[str, Link]] = {}
    for link in links:
        for one in sorted(link.environments):
            if environment in ("", one):
                places.setdefault((link.project, one), {})[link.connector] = link
    rows = [(project, where, places[project, where]) for project, where in sorted(places)]
    return Matrix(sorted({link.connector for link in links}), rows)


async def page(db: Pool, after: str, wanted: Filter) -> tuple[Sequence[Link], str | None]:
    """And the name that the next page begins behind."""
    rows = await db.fetch(LISTED, after, wanted.project, wanted.connector, wanted.environment, PAGE + 1)
    return [Link.model_validate(row["entry"]) for row in rows[:PAGE]], rows[PAGE - 1]["name"] if len(rows) > PAGE else None


async def one(db: Pool, name: str) -> tuple[Link, int] | None:
    """And its revision, by which a change is held to what was seen."""
    row = await db.fetchrow(ONE, name)
    return (Link.model_validate(row["entry"]), row["revision"]) if row else None


async def connectors(db: Pool) -> Sequence[str]:
    return [row["name"] for row in await db.fetch(CONNECTORS)]


async def live(db: Pool, link: Link) -> str:
    """How many may be alive by way of it, in words: of a busy connector only some are looked through."""
    row: Any = await db.fetchrow(LIVE, link.connector, link.project, sorted(link.environments), SEEN)
    return f"{row['live']:,}{' or more' if row['seen'] == SEEN else ''}"
