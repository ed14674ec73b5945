"""Policies as their texts say: what each does, and how many connectors it concerns."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from counterfoil.contracts.registry import Policy
from counterfoil_server.runtime.concern import BadPolicy, parse
from counterfoil_server.runtime.store.database import Pool

PAGE, MANY = 50, 10_000
LISTED = """SELECT name, entry FROM registry_entry WHERE kind = 'policy' AND name COLLATE "C" > $1
    AND ($2 = '' OR position($2 IN name) > 0 OR position($2 IN entry ->> 'cedar') > 0) ORDER BY name COLLATE "C" LIMIT $3"""
ONE = "SELECT entry, revision FROM registry_entry WHERE kind = 'policy' AND name = $1"
CONNECTORS = "SELECT count(*) FROM (SELECT FROM registry_entry WHERE kind = 'connector' LIMIT $1) AS several"


@dataclass(frozen=True, slots=True)
class Said:
    """`connectors`: None where any may be concerned; so with `actions`."""

    effects: Sequence[str]
    connectors: Sequence[str] | None
    actions: Sequence[str] | None


@lru_cache(512)
def said(cedar: str) -> Said | None:
    """None where it cannot be read."""
    try:
        found = parse(cedar)
    except BadPolicy:
        return None
    connectors, actions = (None if one is None else sorted(one) for one in (found.connectors, found.actions))
    return Said(sorted({str(one["effect"]) for one in found.statements}), connectors, actions)


async def page(db: Pool, after: str, containing: str) -> tuple[Sequence[tuple[Policy, Said | None]], str | None]:
    """And the name that the next page begins behind."""
    rows = await db.fetch(LISTED, after, containing, PAGE + 1)
    found = [Policy.model_validate(row["entry"]) for row in rows[:PAGE]]
    return [(one, said(one.cedar)) for one in found], rows[PAGE - 1]["name"] if len(rows) > PAGE else None


async def one(db: Pool, name: str) -> tuple[Policy, int] | None:
    """And its revision, by which a change is held to what was seen."""
    row = await db.fetchrow(ONE, name)
    return (Policy.model_validate(row["entry"]), row["revision"]) if row else None


async def connectors(db: Pool) -> int:
    return int(await db.fetchval(CONNECTORS, MANY))


def difference(before: str, after: str) -> Sequence[str]:
    """Lines with a sign before each; the whole text, for policies are short."""
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if not line.startswith("?")]


def placed(findings: Sequence[Mapping[str, Any]], cedar: str) -> Sequence[Mapping[str, Any]]:
    """With the line that each is about, and the column where that line begins to say something."""
    lines = cedar.splitlines()
    return [{**one, **about(lines[one["line"] - 1] if 0 < one["line"] <= len(lines) else "")} for one in findings]


def about(line: str) -> Mapping[str, Any]:
    return {"column": len(line) - len(line.lstrip()) + 1, "text": line.strip()}
