"""Ledger, revocations and leaves, read when everything has come to rest; and the rest itself."""

import asyncio
import json
import time
from datetime import datetime
from typing import Any
from uuid import UUID

from tests.faults.clients import Clients
from tests.faults.history import Ending, History, Leaf, Row
from tests.faults.operator import Operator
from tests.faults.stand import Stand

ROWS = "SELECT credential_id, request_id, request_hash, connector, state, sent_at, deadline, expires_at FROM mint"
ENDINGS = "SELECT credential_id, state, next_at, attempts FROM revocation"
UNSETTLED = """SELECT (SELECT count(*) FROM mint WHERE state IN ('minting', 'revoking')
    OR (state = 'active' AND (expires_at < now() + interval '20 seconds' OR deadline < now() - interval '31 seconds')))
    + (SELECT count(*) FROM revocation WHERE state IN ('pending', 'inflight', 'stuck'))"""
KINDS = ("credential.minted", "mint.refused", "grant.approved", "grant.denied", "identity.verified", "identity.rejected")
PATIENCE = 150.0


async def at_rest(stand: Stand, patience: float = PATIENCE) -> float:
    """No more faults; returns when nothing is left to be settled, or patience is over. How long it took."""
    await stand.plan()
    began = time.monotonic()
    async with stand.town.sql() as db:
        while time.monotonic() - began < patience and await db.fetchval(UNSETTLED):  # noqa: ASYNC110 - others settle it
            await asyncio.sleep(0.5)
    return time.monotonic() - began


async def history(stand: Stand, clients: Clients, operator: Operator) -> History:
    async with stand.town.sql() as db:
        rows, endings, leaves = await db.fetch(ROWS), await db.fetch(ENDINGS), await db.fetch("SELECT leaf_hash, bytes FROM audit_leaf")
    return History(
        time.time(),
        clients.asks,
        operator.stops,
        frozenset(clients.ended),
        stand.lives(),
        [Row(UUID(str(row[0])), UUID(str(row[1])), row[2], row[3], row[4], *(row[at].timestamp() for at in (5, 6, 7))) for row in rows],
        [Ending(UUID(str(row[0])), row[1], row[2].timestamp(), row[3]) for row in endings],
        [leaf(row["leaf_hash"], row["bytes"]) for row in leaves],
    )


def leaf(hash_: bytes, content: bytes) -> Leaf:
    found = json.loads(content)
    fact: dict[str, Any] = found["fact"]
    credential = fact.get("credential_id")
    request_hash = fact.get("asked", {}).get("request_hash", "")
    return Leaf(hash_, datetime.fromisoformat(found["time"]).timestamp(), fact["kind"], request_hash, UUID(credential) if credential else None)
