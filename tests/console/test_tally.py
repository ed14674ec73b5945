"""How many exchanges ended how: counted from leaves as they come, once each, whatever callers make up."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from counterfoil_server.runtime.store.database import Pool
from services.console.tally import book
from services.console.tally.book import Tally
from services.console.tally.counting import Key, counted
from tests.console.conftest import NOW
from tests.support.made_log import MadeLog, facts

HOUR = datetime(2026, 11, 28, 11, tzinfo=UTC)


def leaf(kind: str, connector: str | None = "postgres/demo", **members: Any) -> bytes:
    asked = {"asked": {"connector": connector}} if kind != "credential.revoked" else {"connector": connector}
    return json.dumps({"fact": {"kind": kind, **asked, **members}, "time": "2026-11-28T11:59:59.999999Z"}).encode()


def test_the_last_fact_of_an_exchange_counts_and_no_other():
    found = counted(
        [leaf("identity.verified"), leaf("grant.approved"), leaf("credential.minted"), leaf("grant.denied", code="no_link")], {"postgres/demo"}
    )

    assert found == {Key(HOUR, "postgres/demo", "granted", ""): 1, Key(HOUR, "postgres/demo", "denied", "no_link"): 1}


def test_names_that_callers_make_up_are_one():
    found = counted([leaf("identity.rejected", name, code="expired") for name in ("a/\u0000", "b/b", None)], {"postgres/demo"})

    assert found == {Key(HOUR, "unknown", "rejected", "expired"): 3}


def test_every_kind_of_fact_there_is_can_be_counted():
    log = MadeLog()
    for one in facts(0):
        log.append(one)

    assert sum(counted(log.leaves, {"postgres/demo", "github/acme-bot"}).values()) == 5


@pytest.fixture
async def emptied(owner: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    await empty(owner)
    yield owner
    await empty(owner)


async def empty(owner: asyncpg.Connection) -> None:
    await owner.execute("""
        SET session_replication_role = replica; DELETE FROM audit_leaf; SET session_replication_role = DEFAULT;
        DELETE FROM audit_head; DELETE FROM console_tally; UPDATE console_tally_head SET next_idx = 0; DELETE FROM connector
    """)


async def put(owner: asyncpg.Connection, leaves: Sequence[bytes]) -> None:
    start = await owner.fetchval("SELECT coalesce(max(idx) + 1, 0) FROM audit_leaf")
    rows = [(start + place, uuid4(), b"", b"", one) for place, one in enumerate(leaves)]
    await owner.copy_records_to_table("audit_leaf", records=rows, columns=["idx", "fact_id", "fact_hash", "leaf_hash", "bytes"])
    await owner.execute("""
        INSERT INTO audit_head (size, edge, last_leaf, checkpoint) SELECT count(*), '', '', '' FROM audit_leaf
        ON CONFLICT (one) DO UPDATE SET size = excluded.size
    """)


async def test_two_consoles_count_each_leaf_once(emptied: asyncpg.Connection, db: Pool):
    await emptied.execute("INSERT INTO connector (name, revision) VALUES ('postgres/demo', 1)")
    await put(emptied, [leaf("credential.minted")] * 4100)
    tallies = [Tally(db, lambda: NOW) for _ in range(4)]

    assert (await book.since(db, HOUR)).behind == 4100
    while any(await asyncio.gather(*(one.advance() for one in tallies))):
        pass

    found = await book.since(db, HOUR)
    assert [tuple(row) for row in found.rows] == [(HOUR, "postgres/demo", "granted", "", 4100)]
    assert found.behind == 0


async def test_it_goes_on_where_it_was(emptied: asyncpg.Connection, db: Pool):
    tally = Tally(db, lambda: NOW)
    await put(emptied, [leaf("grant.denied", code="no_link")])
    await tally.advance()
    await put(emptied, [leaf("grant.denied", code="no_link"), leaf("grant.approved")])
    await Tally(db, lambda: NOW).advance()

    assert [row["count"] for row in (await book.since(db, HOUR)).rows] == [2]
