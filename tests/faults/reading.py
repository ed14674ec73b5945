"""Ledger, revocations and leaves, read when everything has come to rest; and the rest itself."""

import asyncio
import json
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.revoker.orders import UNANSWERED
from tests.faults.clients import Clients
from tests.faults.history import Ending, History, Leaf, Row
from tests.faults.operator import Operator
from tests.faults.stand import Stand

ROWS = "SELECT credential_id, request_id, request_hash, connector, state, sent_at, deadline, expires_at, class FROM mint"
ENDINGS = "SELECT credential_id, state, next_at, attempts FROM revocation"
UNSETTLED = """SELECT (SELECT count(*) FROM mint m WHERE state IN ('minting', 'revoking')
    OR (state = 'active' AND (expires_at < now() + interval '5 seconds' OR (deadline < now() - $1::interval AND NOT EXISTS (
        SELECT FROM reply r WHERE r.request_hash = m.request_hash AND r.credential_id = m.credential_id AND r.delivered IS NOT NULL)))))
    + (SELECT count(*) FROM revocation WHERE state IN ('pending', 'inflight', 'stuck'))"""
PATIENCE = 150.0


async def at_rest(stand: Stand, patience: float = PATIENCE, *, thorough: bool = True) -> float:
    """No more faults; returns when nothing is left to be settled, or patience is over. How long it took.

    `thorough`: what nobody was given is waited for too, from when it should have been until it is ended.
    """
    await stand.plan()
    began = time.monotonic()
    async with stand.town.sql() as db:
        while time.monotonic() - began < patience and await db.fetchval(UNSETTLED, timedelta() if thorough else UNANSWERED):  # noqa: ASYNC110 - others settle it
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
        [in_ledger(row) for row in rows],
        [Ending(UUID(str(row[0])), row[1], row[2].timestamp(), row[3]) for row in endings],
        [leaf(row["leaf_hash"], row["bytes"]) for row in leaves],
    )


def in_ledger(row: asyncpg.Record) -> Row:
    sent_at, deadline, expires_at = (row[name].timestamp() for name in ("sent_at", "deadline", "expires_at"))
    credential_id, request_id = UUID(str(row["credential_id"])), UUID(str(row["request_id"]))
    return Row(credential_id, request_id, row["request_hash"], row["connector"], row["state"], sent_at, deadline, expires_at, row["class"])


def leaf(hash_: bytes, content: bytes) -> Leaf:
    found = json.loads(content)
    fact: dict[str, Any] = found["fact"]
    credential = fact.get("credential_id")
    request_hash = fact.get("asked", {}).get("request_hash", "")
    return Leaf(hash_, datetime.fromisoformat(found["time"]).timestamp(), fact["kind"], request_hash, UUID(credential) if credential else None)
