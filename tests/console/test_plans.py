"""What the console asks of a large ledger is found by an index, and not by reading all that is alive, or all that ever was."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from counterfoil.contracts.revocation_requested import Predicate
from services.console.pages.overview import ALIVE
from services.console.revoke.blast import HIT
from services.console.revoke.ledger import matching
from services.gateway.ledger import values
from services.gateway.orders import ALIVE as STATES
from services.gateway.orders import COUNT
from services.gateway.progress import OPEN_WINDOWS
from tests.console.conftest import NOW

LEDGER = """INSERT INTO mint (issuer, sub_hash, request_id, attempt, credential_id, decision_hash, request_hash, wish_hash, state, epoch, class,
        connector, installation, project, environment, deadline, ends_by_itself, sent_at, window_closes_at, expires_at)
    SELECT 'i', 's' || n % 200, gen_random_uuid(), 1, gen_random_uuid(), 'd', 'r' || n, 'w',
        CASE WHEN n > 9000 THEN 'active' WHEN n % 20 = 0 THEN 'failed' ELSE 'expired' END, 1, 'by_name', 'c' || n % 40, 'default', 'p' || n % 100,
        'production', at, true, at, at, at + interval '1 hour'
    FROM (SELECT n, $1::timestamptz + n * interval '1 s' AS at FROM generate_series(1, 10000) n)"""
PLACE = Predicate(project="p7")


@pytest.fixture
async def ledger(owner: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """Ten thousand rows of which a tenth is alive, as far as the planner knows; gone again afterwards."""
    begun = owner.transaction()
    await begun.start()
    await owner.execute(LEDGER, NOW)
    await owner.execute("ANALYZE mint")
    yield owner
    await begun.rollback()


async def plan(db: asyncpg.Connection, statement: str, *given: Any) -> str:
    found = await db.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *given)
    return json.dumps(found if isinstance(found, list) else json.loads(found))


async def test_what_is_alive_is_counted_from_an_index(ledger: asyncpg.Connection):
    await ledger.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")  # a thousand rows are few enough to read

    assert "mint_alive_kind" in await plan(ledger, ALIVE)


async def test_an_order_for_a_project_looks_at_what_is_alive_of_it(ledger: asyncpg.Connection):
    condition, given = matching(PLACE)

    for found in (await plan(ledger, HIT.format(matching=condition), *given), await plan(ledger, COUNT, *values(PLACE), list(STATES))):
        assert "mint_alive_place" in found
        assert "(project = 'p7'" in found.partition('"Index Cond": ')[2].partition(",")[0]


async def test_open_windows_are_found_by_when_they_close(ledger: asyncpg.Connection):
    found = await plan(ledger, OPEN_WINDOWS, *values(PLACE), NOW)

    assert "mint_window" in found
    assert "window_closes_at > (statement_timestamp()" in found.partition('"Index Cond": ')[2].partition(",")[0]
