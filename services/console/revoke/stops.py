"""What stands after orders: blocks, and connectors that are fenced."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from counterfoil_server.runtime.store.database import Pool

MOST = 200
BLOCKS = """SELECT id, connector, project, environment, issuer, sub_hash, since, until FROM block
    WHERE lifted_at IS NULL AND (until IS NULL OR until > clock_timestamp()) ORDER BY since DESC LIMIT $1"""
FENCED = """SELECT c.name, c.state, e.name IS NOT NULL AS registered FROM connector c
    LEFT JOIN registry_entry e ON e.kind = 'connector' AND e.name = c.name WHERE c.state <> 'active' ORDER BY c.name LIMIT $1"""
NAMED = ("connector", "project", "environment", "issuer", "sub_hash")
NAMES = """SELECT DISTINCT kind, value FROM (
        SELECT 'connector' AS kind, name AS value FROM registry_entry WHERE kind = 'connector'
        UNION ALL SELECT 'project', entry ->> 'project' FROM registry_entry WHERE kind = 'link'
        UNION ALL SELECT 'environment', jsonb_array_elements_text(entry -> 'environments') FROM registry_entry WHERE kind = 'link'
        UNION ALL SELECT 'issuer', entry ->> 'issuer' FROM registry_entry WHERE kind = 'issuer'
    ) AS known WHERE value IS NOT NULL ORDER BY kind, value LIMIT 2000"""


@dataclass(frozen=True, slots=True)
class Stops:
    blocks: Sequence[Mapping[str, Any]]
    fenced: Sequence[Mapping[str, Any]]


async def standing(db: Pool) -> Stops:
    blocks = [
        {**row, "what": ", ".join(f"{name} {row[name]}" for name in NAMED if row[name]) or "everything"} for row in await db.fetch(BLOCKS, MOST)
    ]
    return Stops(blocks, await db.fetch(FENCED, MOST))


async def suggestions(db: Pool) -> Mapping[str, Sequence[str]]:
    """What the registry has by these names."""
    found: dict[str, list[str]] = {}
    for row in await db.fetch(NAMES):
        found.setdefault(row["kind"], []).append(row["value"])
    return found
