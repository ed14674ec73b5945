"""A code is asked about as often as the provider wants, by one replica at a time, until it comes to something, which is said once it is settled."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from counterfoil.contracts.consent_settled import ConsentGranted, ConsentRefused
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.stage import Out
from services.providers import mint_handlers
from services.providers.consenting import Given
from services.providers.device_codes import Device, Waiting
from services.providers.polling import Polling
from services.providers.roots import Roots
from services.providers.seam import Refused, Unavailable, Unknown
from tests.ledger.test_consent_pasted import SCOPES, Desk, desk

__all__ = ["desk"]
CODE = "canary-device-code"


@dataclass
class Server:
    """A provider that answers what it is told to."""

    answers: list[Any] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    begun: int = 0
    refuses: bool = False

    def asks(self, _: Any) -> bool:
        return True

    async def begin(self, *_: Any) -> Device:
        self.begun += 1
        if self.refuses:
            raise Refused("invalid_client", "who")
        return Device(Secret(CODE), "WDJB-MJHT", "https://as.example/device", None, timedelta(seconds=5), timedelta(minutes=15))

    async def poll(self, code: Secret, *_: Any) -> Given:
        self.asked.append(code.text())
        await asyncio.sleep(0)
        found = self.answers.pop(0)
        if isinstance(found, Exception):
            raise found
        given: Given = found
        return given

    async def place(self, *_: Any) -> Any: ...
    async def lend(self, *_: Any) -> Any: ...
    async def good(self, *_: Any) -> Any: ...
    async def leave(self, *_: Any) -> Any: ...


@dataclass
class Mint:
    desk: Desk
    server: Server
    polling: Polling
    said: list[Out] = field(default_factory=list)
    away: Exception | None = None

    async def begun(self) -> UUID:
        consent = await self.desk.asked()
        assert await self.begins(consent) is None
        return consent

    async def begins(self, consent: UUID) -> Any:
        try:
            return await self.desk.comes(consent, device="begins")
        except AssertionError:
            return None  # nothing to say yet

    async def turns(self, *, due: bool = True) -> None:
        if due:
            await self.desk.books.owner.execute("UPDATE consent_device SET next_at = now() - interval '1 second'")
        await self.polling.turn(partial(mint_handlers.say, self.send))

    async def send(self, outs: Sequence[Out]) -> None:
        if self.away:
            raise self.away
        self.said += outs

    async def pace(self) -> timedelta | None:
        found: timedelta | None = await self.desk.books.owner.fetchval("SELECT pace FROM consent_device")
        return found


@pytest.fixture
def mint(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Mint:
    async def none_needed(*_: Any) -> list[dict[str, Secret]]:
        return [{}]

    monkeypatch.setattr(Roots, "sets", none_needed)
    server = Server()
    shelf: Any = SimpleNamespace(provider=lambda _: server)
    desk.consenting = replace(desk.consenting, shelf=shelf)
    return Mint(desk, server, Polling(desk.consenting.codes, desk.consenting))


async def test_until_they_agree_it_is_asked_at_the_providers_pace_and_the_code_lies_encrypted(mint: Mint):
    mint.server.answers = [Waiting(slower=False), Waiting(slower=True), Unavailable("away", "a"), Unknown("timeout", "t"), Given(Secret("r"), SCOPES)]
    await mint.begun()
    row = await mint.desk.books.owner.fetchrow("SELECT * FROM consent_device")
    assert row["user_code"] == "WDJB-MJHT"
    assert CODE not in repr(dict(row))
    assert CODE.encode() not in bytes(row["box"])

    await mint.turns(due=False)
    assert mint.server.asked == []
    paces = []
    for _ in range(4):
        await mint.turns()
        paces.append(await mint.pace())
        await mint.turns(due=False)
    await mint.turns()

    assert paces == [timedelta(seconds=one) for one in (5, 10, 20, 40)]
    assert mint.server.asked == [CODE] * 5
    (out,) = mint.said
    assert isinstance(out.fact, ConsentGranted)
    assert await mint.desk.books.owner.fetchval("SELECT state FROM user_grant") == "live"
    assert await mint.pace() is None


@pytest.mark.parametrize(
    ("no", "code"),
    [
        (Refused("access_denied", "no"), "declined"), (Refused("expired_token", "old"), "late"), (Refused("invalid_grant", "x"), "provider_refused"),
        (KeyError("canary"), "provider_unknown"), (Given(Secret("r"), SCOPES, "gave more"), "provider_refused"),
    ],
)  # fmt: skip
async def test_a_no_is_said_and_nothing_is_kept(mint: Mint, no: Any, code: str):
    mint.server.answers = [no]
    await mint.begun()

    await mint.turns()

    (out,) = mint.said
    assert isinstance(out.fact, ConsentRefused)
    assert (out.fact.code, "canary" in out.fact.message) == (code, False)
    assert await mint.desk.books.owner.fetchval("SELECT count(*) FROM user_grant") == 0


async def test_a_code_that_ran_out_is_not_asked_about(mint: Mint):
    await mint.begun()
    await mint.desk.books.owner.execute("UPDATE consent SET expires_at = now() - interval '1 second'")

    await mint.turns()

    assert mint.server.asked == []
    assert [getattr(out.fact, "code", None) for out in mint.said] == ["late"]


async def test_two_replicas_do_not_ask_at_once_and_one_that_died_is_replaced(mint: Mint):
    mint.server.answers = [Waiting(slower=False)] * 3
    await mint.begun()

    await mint.desk.books.owner.execute("UPDATE consent_device SET next_at = now() - interval '1 second'")
    await asyncio.gather(*(mint.turns(due=False) for _ in range(8)))
    assert len(mint.server.asked) == 1

    (taken,) = [await mint.desk.consenting.codes.take() for _ in range(1) if await mint.desk.books.owner.execute(
        "UPDATE consent_device SET next_at = now() - interval '1 second'")]  # fmt: skip
    assert len(taken) == 1  # its turn is taken, and never given back
    await mint.turns(due=False)
    assert len(mint.server.asked) == 1
    await mint.turns()
    assert len(mint.server.asked) == 2


async def test_what_was_settled_and_not_said_is_said_by_the_next(mint: Mint):
    mint.server.answers = [Given(Secret("r"), SCOPES)]
    await mint.begun()
    mint.away = ConnectionError()
    with pytest.raises(ConnectionError):
        await mint.turns()

    mint.away = None
    await mint.turns()
    await mint.turns()

    (out,) = mint.said
    assert isinstance(out.fact, ConsentGranted)
    assert len(mint.server.asked) == 1


async def test_the_same_message_twice_begins_once(mint: Mint):
    consent = await mint.begun()

    assert await mint.begins(consent) is None

    assert mint.server.begun == 1
    assert await mint.desk.books.owner.fetchval("SELECT expires_at > now() + interval '14 minutes' FROM consent")


async def test_where_the_provider_gives_no_code_it_is_refused_at_once(mint: Mint):
    mint.server.refuses = True

    fact = await mint.begins(await mint.desk.asked())

    assert isinstance(fact, ConsentRefused)
    assert fact.code == "provider_refused"


async def test_the_first_outcome_counts_and_what_comes_after_it_leaves_no_grant(mint: Mint):
    await mint.begun()
    await mint.desk.books.owner.execute("UPDATE consent_device SET next_at = now() - interval '1 second'")
    consenting, (row,) = mint.desk.consenting, await mint.desk.consenting.codes.take()

    first = await consenting.come_to(row, consenting.refused(row, "late", "old"))
    after = await consenting.come_to(row, Given(Secret("r"), SCOPES))

    assert after == first
    assert await mint.desk.books.owner.fetchval("SELECT count(*) FROM user_grant") == 0
