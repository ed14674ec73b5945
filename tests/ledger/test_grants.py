"""What people agreed to is used by one at a time, over all replicas, and not lost: the server ends the whole family of a token that comes twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime import key_folder
from counterfoil_server.runtime.store.database import connect
from services.providers import on_behalf
from services.providers.consenting import Lent, NeedsConsent
from services.providers.envelope import Envelope
from services.providers.grants import Grants, Whose
from services.providers.seam import Borrower, Minted, Order, Unavailable, Unknown, answer, token_of
from tests.ledger.conftest import Books
from tests.registry.conftest import dsn_of

READ = frozenset({"read"})
WHOSE = Whose("oauth2/crm", "default", "web", "production", "u")
WINDOW = timedelta(seconds=0.2)


@dataclass
class Strict:
    """An authorization server that rotates: a refresh token that comes twice ends all of its family."""

    live: str = "r0"
    alive: bool = True
    used: int = 0
    at_once: int = 0
    most_at_once: int = 0
    fails: list[Exception] = field(default_factory=list)
    """Before the next token is given; `Unknown`: after."""

    async def lend(self, order: Order, refresh: Secret, root: Any) -> Lent:  # noqa: ARG002
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._lent(order, refresh.text())
        finally:
            self.at_once -= 1

    async def _lent(self, order: Order, refresh: str) -> Lent:
        await asyncio.sleep(0.001)
        fault = self.fails.pop() if self.fails else None
        if fault is not None and not isinstance(fault, Unknown):
            raise fault
        self.alive = self.alive and refresh == self.live
        if not self.alive:
            raise NeedsConsent("invalid_grant", "over")
        self.used += 1
        self.live = f"r{self.used}"
        if fault is not None:
            raise fault
        minted = Minted(answer(f"t{self.used}", "Bearer"), "Bearer", {}, order.scopes, (), order.expires_at)
        return Lent(minted, Secret(self.live))

    async def good(self, refresh: Secret, config: Any, root: Any) -> bool | None:  # noqa: ARG002
        return self.alive and refresh.text() == self.live


def order() -> Order:
    now = datetime.now(UTC)
    return Order(
        uuid4(),
        WHOSE.connector,
        "default",
        {},
        READ,
        (),
        now + timedelta(minutes=5),
        now + timedelta(seconds=3),
        Borrower("5b" * 32, "web", "production"),
    )


@dataclass
class Replica:
    grants: Grants
    server: Any

    async def lend(self) -> str:
        minted = await on_behalf.lent(self.grants, WHOSE, self.server, WINDOW, order(), {})
        assert not minted.amiss
        return token_of(minted).text()


@pytest.fixture
async def replicas(books: Books, postgres: str, database: str, tmp_path: Path) -> AsyncIterator[list[Replica]]:
    """Two processes, as it were: only the database stands between them."""
    await books.owner.execute("TRUNCATE user_grant")
    key_folder.write(tmp_path / "kek-1.key", bytes(32))
    server, envelope = Strict(), Envelope(tmp_path)
    pools = [await connect(Secret(dsn_of(postgres, database, "mint")), name=f"grants-{n}", most=8) for n in range(2)]
    made = [Replica(Grants(pool, envelope), server) for pool in pools]
    await given(made[0], pools[0], "r0")
    yield made
    for pool in pools:
        await pool.close()


async def given(replica: Replica, pool: Any, refresh: str) -> UUID:
    grant_id = uuid4()
    async with pool.acquire() as db, db.transaction():
        await replica.grants.give(db, WHOSE, grant_id, READ, Secret(refresh))
    return grant_id


async def stands(books: Books) -> str | None:
    found: str | None = await books.owner.fetchval("SELECT state FROM user_grant WHERE state <> 'ended'")
    return found


async def test_many_at_once_over_two_replicas_use_it_one_after_another(replicas: list[Replica], books: Books):
    server = replicas[0].server

    found = await asyncio.gather(*(one.lend() for one in replicas * 60))

    assert len(set(found)) == 120
    assert (server.used, server.alive, server.most_at_once) == (120, True, 1)
    assert await stands(books) == "live"


async def test_what_was_surely_not_used_is_used_by_the_next(replicas: list[Replica], books: Books):
    replicas[0].server.fails = [Unavailable("away", "away")]

    with pytest.raises(Unavailable):
        await replicas[0].lend()

    assert await stands(books) == "live"
    assert await replicas[1].lend()


async def test_a_lost_answer_is_not_asked_for_again_and_the_person_is(replicas: list[Replica], books: Books):
    server = replicas[0].server
    server.fails = [Unknown("timeout", "lost")]
    with pytest.raises(Unknown):
        await replicas[0].lend()
    assert await stands(books) == "doubtful"
    with pytest.raises(Unavailable, match="grant_doubtful"):
        await replicas[1].lend()

    await asyncio.sleep(WINDOW.total_seconds() + 0.05)
    with pytest.raises(NeedsConsent, match="grant_lost"):
        await replicas[1].lend()

    assert server.alive, "it was asked, not used"
    assert await stands(books) is None


async def test_a_process_that_dies_in_its_turn_leaves_a_doubt_that_is_settled(replicas: list[Replica], books: Books, monkeypatch: pytest.MonkeyPatch):
    """It had not come to the server yet: the token is still good."""
    monkeypatch.setattr("services.providers.grants.TURN", timedelta(seconds=0.3))
    await replicas[0].grants._take(WHOSE, WINDOW)

    async def others() -> str:
        while True:
            try:
                return await replicas[1].lend()
            except Unavailable:
                await asyncio.sleep(0.05)

    assert await asyncio.wait_for(others(), 5) == "t1"
    assert await stands(books) == "live"


async def test_whoever_is_cut_off_in_the_middle_leaves_a_doubt(replicas: list[Replica], books: Books):
    lending = asyncio.create_task(replicas[0].lend())
    while not replicas[0].server.at_once:  # noqa: ASYNC110
        await asyncio.sleep(0)
    lending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lending

    assert await stands(books) == "doubtful"


async def test_what_was_ended_or_replaced_meanwhile_is_nobodys(replicas: list[Replica], books: Books):
    grants = replicas[0].grants
    async with grants.turn(WHOSE, READ, WINDOW) as turn:
        await books.owner.execute("UPDATE user_grant SET state = 'ending'")
        assert not await grants.keep(turn, Secret("r1"))
    with pytest.raises(NeedsConsent, match="no_grant"):
        await replicas[1].lend()


async def test_an_earlier_token_cannot_be_put_back(replicas: list[Replica], books: Books):
    before = await books.owner.fetchrow("SELECT kek_id, wrapped_key, nonce, box FROM user_grant")
    await replicas[0].lend()

    await books.owner.execute("UPDATE user_grant SET kek_id = $1, wrapped_key = $2, nonce = $3, box = $4", *before)

    with pytest.raises(Unavailable, match="another place"):
        await replicas[1].lend()


async def test_who_asks_for_more_is_told_what_is_missing(replicas: list[Replica]):
    with pytest.raises(NeedsConsent, match="write is missing"):
        async with replicas[0].grants.turn(WHOSE, frozenset({"read", "write"}), WINDOW):
            pass
    assert await replicas[1].lend()


async def test_a_new_agreement_takes_the_place_of_the_old_one(replicas: list[Replica], books: Books):
    pool: Any = replicas[0].grants._db
    grant_id = await given(replicas[0], pool, "r0")

    rows = await books.owner.fetch("SELECT grant_id, state, box IS NULL AS gone FROM user_grant ORDER BY given_at")
    assert [(row["state"], row["gone"]) for row in rows] == [("ended", True), ("live", False)]
    assert rows[1]["grant_id"] == grant_id
    assert await replicas[1].lend()


@pytest.mark.parametrize("column", ["box", "wrapped_key"])
async def test_the_gateway_cannot_read_what_it_could_use(books: Books, postgres: str, database: str, column: str):  # noqa: ARG001
    pool = await connect(Secret(dsn_of(postgres, database, "gateway")), name="grants-gateway")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.fetch(f"SELECT {column} FROM user_grant")  # noqa: S608
    await pool.close()
