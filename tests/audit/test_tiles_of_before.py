"""A log that an older version wrote: its tiles are made before anybody appends, in pieces, and whoever is interrupted goes on."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from counterfoil.wire.merkle import Edge
from counterfoil.wire.secret import Secret
from services.audit import rows
from services.audit.log import LogStopped
from services.audit.rows import Head
from services.audit.tiles import CHUNK, complete
from services.audit.writer import Writer, writer
from services.dev.postgres import Postgres
from tests.audit.conftest import PASSWORD
from tests.audit.test_tiles import from_scratch, leaf_hashes, tile_rows

SIZE = 65_536 + 256 + 100
# Every third leaf is about a request, every third about a credential, every third about neither; one has a character that PostgreSQL's text has not.
LEAVES = """
    INSERT INTO audit_leaf (idx, fact_id, fact_hash, leaf_hash, bytes)
    SELECT n, gen_random_uuid(), '', sha256('\\x00'::bytea || leaf), leaf FROM generate_series(0, $1::int - 1) n, LATERAL (SELECT convert_to(format(
        '{"fact":{%s,"claims":{"ref":"a%s"}},"seq":%s}', CASE n % 3 WHEN 0 THEN format('"asked":{"request_id":"%s"}', md5(n::text)::uuid)
        WHEN 1 THEN format('"credential_id":"%s"', md5(n::text)::uuid) ELSE '"asked":{},"credential_id":null' END,
        CASE WHEN n = 300 THEN '\\u0000' END, n), 'UTF8') AS leaf) AS made
"""


class Interrupted(Writer):
    """Its connection is lost at the statement of this number that writes."""

    def __init__(self, own: Writer, lost: int) -> None:
        super().__init__(own._db)
        self.lost, self.written, self.most = lost, 0, 0

    async def fetch(self, statement: str, *arguments: Any) -> Sequence[Any]:
        if "INSERT" in statement:
            self.written += 1
            self.most = max(self.most, len(arguments[2]))
            if self.written == self.lost:
                raise ConnectionError
        return await super().fetch(statement, *arguments)


def named(number: int) -> UUID:
    return UUID(hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest())


@pytest.fixture(scope="module")
async def head(owner: asyncpg.Connection) -> Head:
    await owner.execute(LEAVES.replace("$1", str(SIZE)))
    hashes, edge = await leaf_hashes(owner), Edge()
    for at in range(0, SIZE, 4096):
        edge = edge.grow(hashes[at : at + 4096]).edge
    await owner.execute("INSERT INTO audit_head (size, edge, last_leaf, checkpoint) VALUES ($1, $2, $3, 'note')", SIZE, edge.to_bytes(), hashes[-1])
    return Head(edge, hashes[-1], "note")


@pytest.fixture
async def own(owner: asyncpg.Connection, postgres_server: Postgres) -> AsyncIterator[Writer]:
    """With the audit role's rights."""
    found = await writer(Secret(postgres_server.dsn("counterfoil_audit", await owner.fetchval("SELECT current_database()"), PASSWORD)), probe=0.02)
    yield found
    await found.close()


async def test_they_are_made_in_pieces_and_an_interruption_costs_one_piece(owner: asyncpg.Connection, own: Writer, head: Head):
    written = 0
    for lost in (1, 2, 7, 20):
        interrupted = Interrupted(own, lost)
        with pytest.raises(ConnectionError):
            await complete(interrupted, head)
        written += interrupted.written - 1
        assert len(await tile_rows(owner)) == written * CHUNK
    last = Interrupted(own, 0)
    await complete(last, head)

    assert await tile_rows(owner) == from_scratch(await leaf_hashes(owner))
    assert {level for level, _ in await tile_rows(owner)} == {1, 2}
    assert last.most == CHUNK
    found = {(row["id"], row["idx"]) for row in await owner.fetch("SELECT id, idx FROM audit_about")}
    assert found == {(named(index), index) for index in range(SIZE) if index % 3 != 2}


async def test_the_next_start_finds_nothing_to_make(owner: asyncpg.Connection, own: Writer, head: Head):
    await complete(own, head)
    before, again = await tile_rows(owner), Interrupted(own, 0)

    await complete(again, head)

    assert (await tile_rows(owner), again.most) == (before, 0)


@pytest.mark.parametrize("tile", ["level = 1 AND idx = 256", "level = 2 AND idx = 0"])
async def test_where_a_tile_is_not_the_heads_nothing_is_appended(owner: asyncpg.Connection, own: Writer, head: Head, tile: str):
    await complete(own, head)
    forging = owner.transaction()
    await forging.start()
    await owner.execute("ALTER TABLE audit_tile DISABLE TRIGGER USER")
    await owner.execute(f"UPDATE audit_tile SET hash = sha256('forged') WHERE {tile}")  # noqa: S608 - the two above
    try:
        with pytest.raises(LogStopped, match="not those of the head"):
            await complete(Writer(owner), head)
    finally:
        await forging.rollback()


async def test_an_empty_log_has_none(own: Writer):
    class Empty(Writer):
        async def fetch(self, statement: str, *_: Any) -> Sequence[Any]:
            assert "INSERT" not in statement
            await asyncio.sleep(0)
            return [{"made": 0}]

    await complete(Empty(own._db), rows.NOTHING)
