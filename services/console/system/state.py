"""How the installation is, as its own tables tell."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from counterfoil_server.runtime.store.database import Pool

AUDIT = "SELECT at, caught_up_to FROM heartbeat WHERE role = 'audit'"
# The index of what is due holds these and no others, so each count reads what waits and nothing of what is over.
WAITING = """
    SELECT state, count(*) AS n, min(at) AS oldest, max(attempts) AS tries FROM revocation
    WHERE state IN ('pending', 'inflight', 'stuck', 'uncertain') GROUP BY state ORDER BY state
"""
KEYS = """
    SELECT kid, role, use, not_before, not_after FROM service_key
    WHERE not_after IS NULL OR not_after > $1 ORDER BY role, use, not_before LIMIT 200
"""
HEADS = """SELECT (SELECT size FROM audit_head) AS leaves, (SELECT next_idx FROM console_tally_head) AS counted,
    (SELECT revision FROM registry_head) AS revision"""


@dataclass(frozen=True)
class State:
    audit: Any
    waiting: Sequence[Any]
    keys: Sequence[Any]
    heads: Any


async def state(db: Pool, now: datetime) -> State:
    audit, waiting, keys, heads = await asyncio.gather(db.fetchrow(AUDIT), db.fetch(WAITING), db.fetch(KEYS, now), db.fetchrow(HEADS))
    return State(audit, waiting, keys, heads)


def bundle(found: State, now: datetime) -> dict[str, Any]:
    """For whoever helps from elsewhere: counts, ages and ids, nothing that was lent and nobody's name."""

    def plain(row: Any) -> dict[str, Any]:
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in dict(row).items()}

    return {
        "at": now.isoformat(),
        "audit": plain(found.audit or {}),
        "revocations_waiting": [plain(row) for row in found.waiting],
        "keys": [plain(row) for row in found.keys],
        **plain(found.heads),
    }
