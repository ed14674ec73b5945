"""What an operator should look at now, each with the page that helps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from counterfoil_server.runtime.store.database import Pool

QUIET = timedelta(seconds=5)
"""As long as mint goes on without a heartbeat of audit."""
OLD_SECRET = timedelta(days=90)
FEW = 20


@dataclass(frozen=True)
class Matter:
    tone: str
    what: str
    why: str
    path: str


async def attention(db: Pool, now: datetime) -> Sequence[Matter]:
    return [*await unsettled(db), *await silent(db, now), *await stopped(db), *await aged(db, now)]


async def unsettled(db: Pool) -> Sequence[Matter]:
    rows = await db.fetch("SELECT state, count(*) AS n FROM mint WHERE state IN ('stuck', 'uncertain') GROUP BY state ORDER BY state")
    says = {
        "stuck": ("no", "could not be revoked at the provider yet; each is tried again"),
        "uncertain": ("warn", "may be alive until their time is up: what the provider did is not known"),
    }
    return [Matter(says[row["state"]][0], f"{row['n']} {row['state']}", says[row["state"]][1], "/revoke") for row in rows]


async def silent(db: Pool, now: datetime) -> Sequence[Matter]:
    row = await db.fetchrow("SELECT at, caught_up_to FROM heartbeat WHERE role = 'audit'")
    if row is None or now - row["at"] > QUIET:
        return [Matter("no", "audit is silent", "no record, no credential: nothing is lent until it is back", "/system")]
    if now - row["caught_up_to"] > QUIET:
        return [Matter("warn", "audit is behind", "nothing new is lent until it has caught up", "/system")]
    return []


async def stopped(db: Pool) -> Sequence[Matter]:
    fenced = await db.fetch("SELECT name, state FROM connector WHERE state <> 'active' ORDER BY name LIMIT $1", FEW)
    found = [Matter("info", f"{row['name']} is {row['state']}", "it lends nothing until it is opened again", "/revoke") for row in fenced]
    blocks = await db.fetchval("SELECT count(*) FROM (SELECT FROM block WHERE lifted_at IS NULL LIMIT 1000) AS standing")
    return [
        *found,
        *([Matter("info", f"{blocks} blocks stand", "what they name is lent nothing until they are lifted", "/revoke")] if blocks else []),
    ]


async def aged(db: Pool, now: datetime) -> Sequence[Matter]:
    rows = await db.fetch(
        "SELECT connector, max(at) AS at FROM root_secret GROUP BY connector HAVING max(at) < $1 ORDER BY max(at) LIMIT $2", now - OLD_SECRET, FEW
    )
    return [
        Matter(
            "warn", f"{row['connector']}: root secret of {(now - row['at']).days} days", "give it a new one at the provider, and here", "/connectors"
        )
        for row in rows
    ]
