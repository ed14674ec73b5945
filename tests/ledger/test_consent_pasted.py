"""What a person pasted is kept once, as a grant that is lent and, when it is ended, forgotten here: no more can be done."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from counterfoil.contracts.consent_returned import ConsentReturned
from counterfoil.contracts.consent_settled import ConsentGranted, ConsentRefused
from counterfoil.contracts.registry import Connector
from counterfoil.wire import binding
from counterfoil.wire.armor import to_url
from counterfoil.wire.opening_key import OpeningKey
from counterfoil.wire.sealing import Opener, Sealer
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime import key_folder
from services.providers import on_behalf
from services.providers.codes import Codes
from services.providers.consents import Consenting, Fact
from services.providers.envelope import Envelope
from services.providers.grant_ends import GrantEnds
from services.providers.grants import Grants, Whose
from services.providers.roots import Roots
from services.providers.rotation import Rotation
from services.providers.seam import Borrower, Order, Refused, token_of
from services.providers.shelf import Shelf
from tests.ledger.conftest import Books

NAME, KEY = "static/crm", "canary-key-0123456789"
SCOPES = frozenset({"contacts"})
WHOSE = Whose(NAME, "default", "web", "production", "0" * 64)
ASK = """INSERT INTO consent (consent_id, link_digest, connector, installation, project, environment, user_digest, scopes, expires_at)
VALUES ($1, $2, 'static/crm', 'default', 'web', 'production', repeat('0', 64), '{contacts}', $3)"""


@dataclass
class Desk:
    """Mint's side of a question, on a registry with one connector in it."""

    books: Books
    key: OpeningKey
    consenting: Consenting
    config: dict[str, Any]
    ends: GrantEnds

    async def asked(self, minutes: int = 10) -> UUID:
        consent = uuid4()
        await self.books.owner.execute(ASK, consent, str(consent), datetime.now(UTC) + timedelta(minutes=minutes))
        return consent

    async def comes(self, consent: UUID, **brought: str) -> Fact:
        now = datetime.now(UTC)
        box = Sealer().seal(Secret(json.dumps(brought)), self.key.public, binding.consent(consent))
        said = await self.consenting.settle(
            ConsentReturned(id=uuid4(), at=now, consent_id=consent, deadline=now + timedelta(minutes=5), box=to_url(box).decode())
        )
        assert said is not None
        return said[0]

    def order(self, scopes: frozenset[str] = SCOPES) -> Order:
        now = datetime.now(UTC)
        until = now + timedelta(seconds=5)
        return Order(uuid4(), NAME, "default", self.config, scopes, (), now + timedelta(minutes=5), until, Borrower("5b" * 32, "web", "production"))

    async def lend(self, scopes: frozenset[str] = SCOPES) -> str:
        provider: Any = self.consenting.shelf.provider("static")
        return token_of(await on_behalf.lent(self.consenting.grants, WHOSE, provider, provider.window, self.order(scopes), {})).text()


@pytest.fixture
async def desk(books: Books, tmp_path: Path) -> AsyncIterator[Desk]:
    await books.owner.execute("TRUNCATE user_grant, consent, consent_device")
    key_folder.write(tmp_path / "kek-1.key", bytes(32))
    key, envelope, shelf, config = OpeningKey.generate(), Envelope(tmp_path), Shelf(), {"people": True}
    snapshot = SimpleNamespace(connectors={NAME: Connector(name=NAME, config=config)}, config=lambda *_: config)
    registry: Any = SimpleNamespace(snapshot=snapshot)
    grants, codes, roots = Grants(books.mint, envelope), Codes(books.mint, envelope), Rotation(Roots(books.mint, envelope, None, shelf.bare))
    consenting = Consenting(books.mint, grants, codes, shelf, roots, registry, Opener([key]), lambda: datetime.now(UTC))
    ends = GrantEnds(books.revoke, envelope, shelf, Rotation(Roots(books.revoke, envelope, None, shelf.bare)), registry)
    yield Desk(books, key, consenting, config, ends)
    await shelf.close()


async def test_what_was_pasted_is_lent_as_it_is_and_lies_encrypted(desk: Desk):
    """Without any root secret of the connector's."""
    fact = await desk.comes(await desk.asked(), key=KEY)

    assert isinstance(fact, ConsentGranted)
    assert fact.scopes == SCOPES
    assert [await desk.lend() for _ in range(2)] == [KEY, KEY]
    row = await desk.books.owner.fetchrow("SELECT * FROM user_grant")
    assert row["state"] == "live"
    assert KEY not in repr(dict(row)) + repr(fact)
    assert KEY.encode() not in bytes(row["box"])


async def test_the_same_twice_is_one_grant_and_another_key_after_it_is_nothing(desk: Desk):
    consent = await desk.asked()

    first, again, other = [await desk.comes(consent, key=key) for key in (KEY, KEY, "another")]

    assert first == again == other
    assert await desk.books.owner.fetchval("SELECT count(*) FROM user_grant") == 1
    assert await desk.lend() == KEY


async def test_the_end_of_it_destroys_our_copy_and_says_that_it_is_all(desk: Desk):
    await desk.comes(await desk.asked(), key=KEY)
    await desk.books.owner.execute("UPDATE user_grant SET state = 'ending'")

    await desk.ends.turn()

    row = await desk.books.owner.fetchrow("SELECT * FROM user_grant")
    assert (row["state"], row["last_error"]) == ("ended", "rotate_at_provider")
    assert [row[name] for name in ("wrapped_key", "nonce", "box")] == [None] * 3


@pytest.mark.parametrize("key", ["", "two words", "line\nline", "k" * 4097, "schlüssel"])
async def test_mint_looks_at_a_key_itself(desk: Desk, key: str):
    fact = await desk.comes(await desk.asked(), key=key)

    assert isinstance(fact, ConsentRefused)
    assert fact.code == "provider_refused"
    assert not key or key not in fact.message
    assert await desk.books.owner.fetchval("SELECT count(*) FROM user_grant") == 0


async def test_a_code_is_no_key_and_where_nobody_is_asked_a_key_is_nothing(desk: Desk):
    code = await desk.comes(await desk.asked(), code="c", redirect_uri="https://x.example")
    desk.config.clear()
    key = await desk.comes(await desk.asked(), key=KEY)

    assert [getattr(fact, "code", None) for fact in (code, key)] == ["provider_refused"] * 2
    assert await desk.books.owner.fetchval("SELECT count(*) FROM user_grant") == 0


async def test_what_comes_after_the_question_is_over_is_late(desk: Desk):
    fact = await desk.comes(await desk.asked(minutes=-1), key=KEY)

    assert isinstance(fact, ConsentRefused)
    assert fact.code == "late"


async def test_without_a_name_for_it_nothing_is_lent(desk: Desk):
    await desk.comes(await desk.asked(), key=KEY)

    with pytest.raises(Refused, match="not_explicit"):
        await desk.lend(frozenset())
