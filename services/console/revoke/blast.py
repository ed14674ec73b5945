"""What an order would do, before it is given: how many, whose, which of them nobody can end, and what is stopped besides."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from counterfoil.contracts.revocation_requested import Predicate
from services.console.operator import Operator
from services.console.revoke.ledger import matching
from services.console.revoke.predicate import members
from services.console.site import Site

# The rows once, then counted twice: what is alive is many pages of the ledger.
HIT = """WITH hit AS MATERIALIZED (
        SELECT connector, class, ends_by_itself, project, environment, state, expires_at, issuer, sub_hash FROM mint WHERE {matching}
    ), subjects AS (SELECT issuer, sub_hash, count(*) AS number FROM hit GROUP BY 1, 2)
    (SELECT connector, class, ends_by_itself, project, environment, state IN ('stuck', 'uncertain') AS left_over, count(*) AS number,
        max(expires_at) AS latest, NULL AS issuer, NULL AS sub_hash, NULL::bigint AS subjects
        FROM hit GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY number DESC LIMIT 1000)
    UNION ALL
    (SELECT NULL, NULL, NULL, NULL, NULL, NULL, number, NULL, issuer, sub_hash, count(*) OVER () FROM subjects ORDER BY number DESC LIMIT 10)"""
ENDS = {
    "by_name": "ended at the provider, by name",
    "by_possession": "ended at the provider, with the credential itself, which is kept sealed for that",
    "by_principal": "ended at the provider, by its principal",
    "expiry_only": "nobody can end it before its time",
    "none": "nobody can end it",
}
NO_END = frozenset({"expiry_only", "none"})
SHOWN = 12
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """Of one connector and class. `until`: when the last of those that nobody can end is over; None where it is never."""

    connector: str
    how: str
    number: int
    endless: bool
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Blast:
    """`matched` and `would` are the gateway's own answer; the rest is read beside it."""

    matched: int
    would: Mapping[str, Any]
    lines: Sequence[Line]
    projects: Sequence[tuple[str, int]]
    more_projects: int
    subjects: Sequence[Row]
    all_subjects: int
    left_over: int

    @property
    def irrevocable(self) -> int:
        return sum(line.number for line in self.lines if line.endless)


async def of(site: Site, operator: Operator, predicate: Predicate) -> Blast:
    """Raises Refused."""
    asked = {"predicate": members(predicate), "dry_run": True}
    condition, values = matching(predicate)
    answer, rows = await asyncio.gather(
        site.gateway.ask(operator, "POST", "/v1/revocations", body=asked), site.db.fetch(HIT.format(matching=condition), *values)
    )
    return made(answer.body, [row for row in rows if row["subjects"] is None], [row for row in rows if row["subjects"] is not None])


def made(answer: Mapping[str, Any], groups: Sequence[Row], subjects: Sequence[Row]) -> Blast:
    projects: Counter[str] = Counter()
    for row in groups:
        projects[f"{row['project']} / {row['environment']}"] += row["number"]
    return Blast(
        matched=answer["matched"],
        would=answer.get("would", {}),
        lines=lines(groups),
        projects=projects.most_common(SHOWN),
        more_projects=max(0, len(projects) - SHOWN),
        subjects=subjects,
        all_subjects=subjects[0]["subjects"] if subjects else 0,
        left_over=sum(row["number"] for row in groups if row["left_over"]),
    )


def lines(groups: Sequence[Row]) -> list[Line]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in groups:
        found.setdefault((row["connector"], row["class"]), []).append(row)
    made = [line(connector, how, rows) for (connector, how), rows in found.items()]
    return sorted(made, key=lambda one: (-one.number, one.connector))


def line(connector: str, how: str, rows: Sequence[Row]) -> Line:
    endless = how in NO_END
    ends = all(row["ends_by_itself"] for row in rows)
    until = max(row["latest"] for row in rows) if endless and ends else None
    return Line(connector, ENDS.get(how, how.replace("_", " ")), sum(row["number"] for row in rows), endless, until)
