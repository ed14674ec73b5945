"""Where a refresh ends the access token before it, that one is kept beside the refresh token and asked first: nobody ends what another was lent."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime import key_folder
from counterfoil_server.runtime.store.database import connect
from services.providers.consenting import Kept, Lent, NeedsConsent
from services.providers.envelope import Envelope
from services.providers.grant_ends import GrantEnds
from services.providers.grants import Grants
from services.providers.seam import Minted, Order, Refused, Unavailable, Unknown, answer
from tests.ledger.conftest import Books
from tests.ledger.test_grants import READ, WHOSE, WINDOW, Replica, Strict, given, stands
from tests.registry.conftest import dsn_of
from tests.support import roots

LASTING = "kept_box IS NOT NULL OR kept_wrapped_key IS NOT NULL OR kept_nonce IS NOT NULL OR kept_until IS NOT NULL"


@dataclass
class Sharing(Strict):
    """Its refresh ends the access token before; what it lends is that token itself."""

    lives: timedelta = timedelta(minutes=10)
    again_fails: Exception | None = None
    asked_again: int = 0
    left: list[tuple[str, str | None]] = field(default_factory=list)

    async def lend(self, order: Order, refresh: Secret, root: Any) -> Lent:
        lent = await super().lend(order, refresh, root)
        return Lent(lent.minted, lent.refresh, Kept(Secret(self.access), datetime.now(UTC) + self.lives))

    @property
    def access(self) -> str:
        return f"t{self.used}"

    async def again(self, order: Order, kept: Kept, root: Any) -> Minted | None:  # noqa: ARG002
        self.asked_again += 1
        if self.again_fails is not None:
            raise self.again_fails
        if kept.until - datetime.now(UTC) < timedelta(seconds=30):
            return None
        assert kept.token.text() == self.access, "it was ended by a refresh"
        return Minted(answer(kept.token.text(), "Bearer"), "Bearer", {}, order.scopes, (), min(order.expires_at, kept.until))

    def asks(self, config: Any) -> bool:  # noqa: ARG002
        return True

    async def place(self, config: Any) -> Any: ...

    async def redeem(self, returned: Any, config: Any, root: Any) -> Any: ...

    async def leave(self, *_: Any) -> None:
        raise AssertionError("it ends a grant by an access token")

    async def leave_with(self, refresh: Secret, kept: Kept | None, config: Any, root: Any) -> None:  # noqa: ARG002
        self.left.append((refresh.text(), kept.token.text() if kept else None))


@pytest.fixture
async def replicas(books: Books, postgres: str, database: str, tmp_path: Path) -> AsyncIterator[list[Replica]]:
    await books.owner.execute("TRUNCATE user_grant")
    key_folder.write(tmp_path / "kek-1.key", bytes(32))
    server = Sharing()
    pools = [await connect(Secret(dsn_of(postgres, database, "mint")), name=f"kept-{n}", most=8) for n in range(2)]
    made = [Replica(Grants(pool, Envelope(tmp_path)), server) for pool in pools]
    await given(made[0], pools[0], "r0")
    yield made
    for pool in pools:
        await pool.close()


async def lies_there(books: Books) -> bool:
    return bool(await books.owner.fetchval(f"SELECT bool_or({LASTING}) FROM user_grant"))  # noqa: S608 - words of ours


async def test_two_hundred_at_once_over_two_replicas_make_one_refresh(replicas: list[Replica], books: Books):
    server = replicas[0].server

    found = await asyncio.gather(*(one.lend() for one in replicas * 100))

    assert set(found) == {"t1"}
    assert (server.used, server.asked_again) == (1, 199)
    assert await stands(books) == "live"


async def test_one_that_does_not_live_long_enough_is_replaced_by_a_refresh(replicas: list[Replica]):
    server = replicas[0].server
    server.lives = timedelta(seconds=20)
    await replicas[0].lend()
    server.lives = timedelta(minutes=10)

    assert [await replicas[1].lend() for _ in range(3)] == ["t2"] * 3
    assert (server.used, server.asked_again) == (2, 3)


async def test_one_whose_time_is_over_is_not_asked_for(replicas: list[Replica], books: Books):
    await replicas[0].lend()
    await books.owner.execute("UPDATE user_grant SET kept_until = clock_timestamp() - interval '1 second'")

    assert await replicas[1].lend() == "t2"
    assert replicas[0].server.asked_again == 0


@pytest.mark.parametrize("fault", [Unknown("timeout", "lost"), Unavailable("away", "away"), Refused("no", "no"), ValueError("of ours")])
async def test_whatever_becomes_of_asking_again_the_grant_is_as_it_was(replicas: list[Replica], books: Books, fault: Exception):
    server = replicas[0].server
    await replicas[0].lend()
    server.again_fails = fault

    with pytest.raises(type(fault)):
        await replicas[1].lend()

    assert await stands(books) == "live"
    server.again_fails = None
    assert await replicas[0].lend() == "t1"


async def test_whoever_is_cut_off_while_asking_again_leaves_no_doubt(replicas: list[Replica], books: Books, monkeypatch: pytest.MonkeyPatch):
    await replicas[0].lend()
    asked = asyncio.Event()

    async def slow(*_: Any) -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(replicas[0].server, "again", slow)
    lending = asyncio.create_task(replicas[0].lend())
    await asyncio.wait_for(asked.wait(), 5)
    lending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lending

    assert await stands(books) == "live"
    assert await books.owner.fetchval("SELECT turn IS NULL FROM user_grant")


async def test_an_earlier_one_cannot_be_put_back(replicas: list[Replica], books: Books):
    server = replicas[0].server
    server.lives = timedelta(seconds=20)
    await replicas[0].lend()
    before = await books.owner.fetchrow("SELECT kept_kek_id, kept_wrapped_key, kept_nonce, kept_box FROM user_grant")
    await replicas[0].lend()
    asked = server.asked_again

    put_back = "kept_until = clock_timestamp() + interval '1 hour', kept_kek_id = $1, kept_wrapped_key = $2, kept_nonce = $3, kept_box = $4"
    await books.owner.execute(f"UPDATE user_grant SET {put_back}", *before)  # noqa: S608 - words of ours

    assert await replicas[1].lend() == "t3"
    assert server.asked_again == asked


async def test_it_is_not_the_refresh_token_under_another_name(replicas: list[Replica], books: Books):
    await replicas[0].lend()
    swap = "kek_id = kept_kek_id, wrapped_key = kept_wrapped_key, nonce = kept_nonce, box = kept_box"
    await books.owner.execute(f"UPDATE user_grant SET {swap}")  # noqa: S608 - words of ours

    with pytest.raises(Unavailable, match="another place"):
        await replicas[1].lend()


async def test_what_is_not_to_be_kept_any_more_is_gone_and_the_refresh_token_goes_on(replicas: list[Replica], books: Books):
    await replicas[0].lend()
    grants = replicas[0].grants
    async with grants.turn(WHOSE, READ, WINDOW) as turn:
        assert turn.kept is not None
        assert await grants.keep(turn, None)

    assert not await lies_there(books)
    assert await replicas[1].lend() == "t2"


@pytest.mark.parametrize("over", ["the provider says so", "agreed anew", "ended"])
async def test_it_is_destroyed_with_the_refresh_token(replicas: list[Replica], books: Books, tmp_path: Path, over: str):
    server, pool = replicas[0].server, replicas[0].grants._db
    await replicas[0].lend()
    assert await lies_there(books)
    if over == "agreed anew":
        await given(replicas[0], pool, "r9")
    elif over == "ended":
        await books.owner.execute("UPDATE user_grant SET state = 'ending', next_at = clock_timestamp()")
        await ends(books, Envelope(tmp_path), server).turn()
        assert server.left == [("r1", "t1")]
    else:
        server.again_fails = None
        await books.owner.execute("UPDATE user_grant SET kept_until = clock_timestamp() - interval '1 second'")
        server.live = "another"
        with pytest.raises(NeedsConsent):
            await replicas[1].lend()

    assert not await lies_there(books)


async def test_a_grant_is_ended_without_it_where_its_time_is_over(replicas: list[Replica], books: Books, tmp_path: Path):
    await replicas[0].lend()
    await books.owner.execute("UPDATE user_grant SET state = 'ending', next_at = clock_timestamp(), kept_until = clock_timestamp()")

    await ends(books, Envelope(tmp_path), replicas[0].server).turn()

    assert replicas[0].server.left == [("r1", None)]
    assert await stands(books) is None


def ends(books: Books, envelope: Envelope, server: Sharing) -> GrantEnds:
    """As the role `revoke`, at a connector whose provider is this one."""
    connector = SimpleNamespace(provider="sharing", name=WHOSE.connector)
    snapshot = SimpleNamespace(connectors={WHOSE.connector: connector}, config=lambda *_: {})
    shelf, registry = SimpleNamespace(provider=lambda _: server), SimpleNamespace(snapshot=snapshot)
    made: Callable[..., GrantEnds] = GrantEnds
    return made(books.revoke, envelope, shelf, roots.given(), registry)


def test_a_kept_token_does_not_show():
    identifier: UUID = uuid4()
    assert str(identifier) not in repr(Kept(Secret(str(identifier)), datetime.now(UTC)))
