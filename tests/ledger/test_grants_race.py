"""A thousand at once, two replicas, and a real server (oidc-provider) that ends all of a family when a refresh token comes twice: none is lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime import key_folder
from counterfoil_server.runtime.store.database import connect
from services.gateway.consents import authorization, challenge
from services.providers import on_behalf
from services.providers.catalog.oauth2 import OAuth2
from services.providers.consenting import Returned
from services.providers.envelope import Envelope
from services.providers.grants import Grants, Whose
from services.providers.seam import Borrower, Order, token_of
from tests.ledger.conftest import Books
from tests.registry.conftest import dsn_of
from tests.support.oidc import SECRETS, Oidc, running
from tests.support.person import person

__all__ = ["running"]

MANY = 1000
BACK = "http://127.0.0.1:1/consent/back"
READ = frozenset({"read"})
VERIFIER = "v" * 64
ROOT = {"secret": Secret(SECRETS["people"])}


@pytest.fixture
async def replicas(books: Books, postgres: str, database: str, tmp_path: Path) -> AsyncIterator[list[Grants]]:
    await books.owner.execute("TRUNCATE user_grant")
    key_folder.write(tmp_path / "kek-1.key", bytes(32))
    pools = [await connect(Secret(dsn_of(postgres, database, "mint")), name=f"race-{n}", most=8) for n in range(2)]
    yield [Grants(pool, Envelope(tmp_path)) for pool in pools]
    for pool in pools:
        await pool.close()


async def refresh_token(provider: OAuth2, config: dict[str, Any]) -> Secret:
    """What a person's yes gives."""
    place = await provider.place(config)
    asked = {"url": place.url, "parameters": place.parameters}
    async with person() as ada:
        with pytest.raises(httpx.ConnectError) as back:
            await ada.agrees(authorization(asked, READ, BACK, "state", challenge(VERIFIER)))
    code = parse_qs(urlsplit(str(back.value.request.url)).query)["code"][0]
    given = await provider.redeem(Returned(Secret(code), Secret(VERIFIER), BACK, READ), config, ROOT)
    assert (given.amiss, given.scopes) == ("", READ)
    return given.refresh


async def test_no_grant_is_lost_in_a_thousand_concurrent_refreshes(replicas: list[Grants], oidc: Oidc):
    config = oidc.config("people", people=True, prompt="consent")
    users = [Whose("oauth2/crm", "default", "web", "production", f"u-{n}") for n in range(4)]
    servers = [OAuth2(), OAuth2()]
    for user in users:
        refresh = await refresh_token(servers[0], config)
        async with replicas[0]._db.acquire() as db, db.transaction():
            await replicas[0].give(db, user, uuid4(), READ, refresh)

    async def lend(number: int) -> str:
        now, which = datetime.now(UTC), number % 2
        window = now + timedelta(minutes=5)  # everybody waits for a turn here: who may give up is not what is looked at
        borrower = Borrower("5b" * 32, "web", "production")
        order = Order(uuid4(), "oauth2/crm", "default", config, READ, (), now + timedelta(minutes=5), window, borrower)
        minted = await on_behalf.lent(replicas[which], users[number % 4], servers[which], timedelta(seconds=1), order, ROOT)
        assert not minted.amiss
        return token_of(minted).text()

    found = await asyncio.gather(*(lend(number) for number in range(MANY)))

    assert len(set(found)) == MANY
    assert all([(await oidc.says(found[-number]))["active"] for number in range(1, 9)])
    async with replicas[0]._db.acquire() as db:
        assert [row["state"] for row in await db.fetch("SELECT state FROM user_grant")] == ["live"] * 4
