"""A grant at a GitHub that ends both tokens, and all that was made of them, with each refresh: used over two replicas, and not lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime import key_folder
from counterfoil_server.runtime.store.database import connect
from services.providers import on_behalf, shelf
from services.providers.consenting import Lent, NeedsConsent
from services.providers.envelope import Envelope
from services.providers.grants import Grants, Whose
from services.providers.seam import Borrower, Order, Refused, Unavailable, Unknown, token_of
from tests.ledger.conftest import Books
from tests.registry.conftest import dsn_of
from tests.support.github_user import SECRET, GitHub, lending

READ = frozenset({"contents:read"})
WHOSE = Whose("github_user/acme", "default", "web", "production", "u")
WINDOW = timedelta(seconds=0.2)
BRIEF, LONG = timedelta(minutes=5), timedelta(minutes=40)
"""What is kept lives for half an hour: the second is only to be had by a refresh."""
ROOT = {"client_secret": Secret(SECRET)}


class Replica:
    def __init__(self, grants: Grants, github: GitHub) -> None:
        self.grants, self.github, self.provider = grants, github, shelf.provider("github_user")

    async def lend(self, lives: timedelta = BRIEF, repository: str = "acme/a") -> str:
        now = datetime.now(UTC)
        details = ({"type": "github", "repositories": [repository]},)
        order = Order(
            uuid4(), WHOSE.connector, "default", self.github.config(), READ, details, now + lives, now + timedelta(minutes=5),
            Borrower("5b" * 32, "web", "production"),
        )  # fmt: skip
        provider: Any = self.provider
        minted = await on_behalf.lent(self.grants, WHOSE, provider, WINDOW, order, ROOT)
        assert not minted.amiss
        return token_of(minted).text()


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    async with lending() as made:
        made.tokens.life = timedelta(minutes=30)
        yield made


@pytest.fixture
async def replicas(books: Books, postgres: str, database: str, tmp_path: Path, github: GitHub) -> AsyncIterator[list[Replica]]:
    """Two processes, as it were: only the database stands between them."""
    await books.owner.execute("TRUNCATE user_grant")
    key_folder.write(tmp_path / "kek-1.key", bytes(32))
    pools = [await connect(Secret(dsn_of(postgres, database, "mint")), name=f"github-{n}", most=8) for n in range(2)]
    made = [Replica(Grants(pool, Envelope(tmp_path)), github) for pool in pools]
    async with pools[0].acquire() as db, db.transaction():
        await made[0].grants.give(db, WHOSE, uuid4(), READ, Secret(github.tokens.pair("octocat")["refresh_token"]))
    yield made
    for pool in pools:
        await pool.close()


async def stands(books: Books) -> str | None:
    found: str | None = await books.owner.fetchval("SELECT state FROM user_grant WHERE state <> 'ended'")
    return found


async def test_hundreds_at_once_over_two_replicas_lose_no_grant(
    replicas: list[Replica], books: Books, github: GitHub, monkeypatch: pytest.MonkeyPatch
):
    """However slow this machine is: an answer that came too late would be a lost one, and here all come."""
    monkeypatch.setattr("services.providers.catalog.github_user.LIMIT", 60)
    monkeypatch.setattr("services.providers.grants.TURN", timedelta(minutes=5))

    found = await asyncio.gather(*(replicas[n % 2].lend(LONG if n % 5 == 0 else BRIEF) for n in range(200)))

    assert len(set(found)) == 200 == github.made
    assert github.tokens.refreshed in {40, 41}
    assert await stands(books) == "live"
    assert await replicas[0].lend()


async def test_brief_ones_share_one_refresh(replicas: list[Replica], github: GitHub):
    found = await asyncio.gather(*(one.lend() for one in replicas * 8))

    assert github.tokens.refreshed == 1
    assert {await github.asks(token, "GET", "/repos/acme/a/contents") for token in found} == {200}


async def test_a_wish_that_is_no_good_after_a_refresh_loses_nothing(replicas: list[Replica], books: Books, github: GitHub):
    """The tokens before are dead by then."""
    with pytest.raises(Refused, match="not_granted"):
        await replicas[0].lend(repository="acme/closed")

    assert github.tokens.refreshed == 1
    assert await stands(books) == "live"
    assert await replicas[1].lend()
    assert github.tokens.refreshed == 1


async def test_a_refresh_that_was_done_and_not_answered_is_not_sent_again(replicas: list[Replica], books: Books, github: GitHub):
    await replicas[0].lend()
    github.loses = 1
    with pytest.raises(Unknown):
        await replicas[0].lend(LONG)
    with pytest.raises(Unavailable, match="grant_doubtful"):
        await replicas[1].lend()

    await asyncio.sleep(WINDOW.total_seconds() + 0.05)
    with pytest.raises(NeedsConsent, match="grant_lost"):
        await replicas[1].lend()

    assert github.tokens.refreshed == 2
    assert await stands(books) is None


async def test_a_refresh_that_was_not_done_is_told_by_what_is_kept_and_the_grant_goes_on(replicas: list[Replica], books: Books, github: GitHub):
    await replicas[0].lend()
    github.fails = 1
    with pytest.raises(Unknown):
        await replicas[0].lend(LONG)
    assert await stands(books) == "doubtful"

    await asyncio.sleep(WINDOW.total_seconds() + 0.05)
    assert await replicas[1].lend(LONG)

    assert github.tokens.refreshed == 2
    assert await stands(books) == "live"


async def test_what_a_refresh_gave_while_the_grant_was_being_ended_is_what_it_is_ended_with(replicas: list[Replica], books: Books, github: GitHub):
    """And nothing is made of it: the tokens before are dead, and could not end it."""
    before, provider = await books.owner.fetchval("SELECT version FROM user_grant"), cast("Any", replicas[0].provider)
    refreshing = provider.lend

    async def meanwhile(*given: Any) -> Lent:
        found: Lent = await refreshing(*given)
        await books.owner.execute("UPDATE user_grant SET state = 'ending'")
        return found

    provider.lend = meanwhile
    with pytest.raises(Unavailable, match="grant_ended"):
        await replicas[0].lend()

    row = await books.owner.fetchrow("SELECT state, turn, version FROM user_grant")
    assert (row["state"], row["turn"], row["version"], github.made) == ("ending", None, before + 1, 0)
    with pytest.raises(NeedsConsent, match="no_grant"):
        await replicas[1].lend()


async def test_a_refresh_that_gives_nothing_to_make_tokens_of_is_kept_and_no_credential(replicas: list[Replica], books: Books, github: GitHub):
    github.tokens.life = timedelta()
    with pytest.raises(Unavailable, match="nothing_to_make"):
        await replicas[0].lend()
    github.tokens.life = timedelta(minutes=30)

    assert await replicas[1].lend()
    assert await stands(books) == "live"
