"""While an issuer hangs or answers nonsense: who waits, who does not, and what is forgotten once it is back."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from counterfoil_server.runtime.tokens.jwks import Jwks, Unavailable
from tests.tokens.canned import KEYS, WELL_KNOWN, Canned, configuration
from tests.tokens.forge import ISSUER, entry, jwk


class Desk:
    """An issuer with canned answers, whose keys were fetched at 0."""

    def __init__(self) -> None:
        self.now = 0.0
        self.http = Canned().say(WELL_KNOWN, configuration()).say(f"{ISSUER}/jwks", KEYS)
        self.jwks = Jwks(self.http, lambda: self.now)

    def hangs(self) -> asyncio.Event:
        self.http.gate = asyncio.Event()
        return self.http.gate


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    await desk.jwks.keys(entry(), "rsa")
    yield desk
    if desk.http.gate:
        desk.http.gate.set()


async def test_a_known_key_waits_for_nobody_else_s_unknown_one(desk: Desk):
    opened = desk.hangs()
    stranger = asyncio.create_task(desk.jwks.keys(entry(), "invented"))
    await asyncio.sleep(0)
    assert "rsa" in await asyncio.wait_for(desk.jwks.keys(entry(), "rsa"), 1)
    assert not stranger.done()
    opened.set()
    await stranger


async def test_once_an_issuer_is_known_to_be_away_nobody_waits_for_it_again(desk: Desk):
    desk.http.say(f"{ISSUER}/jwks", b"<html>")
    desk.now = 301
    await desk.jwks.keys(entry(), "rsa")
    opened = desk.hangs()
    for desk.now in (310, 3600):
        assert "rsa" in await asyncio.wait_for(desk.jwks.keys(entry(), "rsa"), 1)
    opened.set()


async def test_a_set_too_old_for_an_issuer_that_is_away_is_waited_for(desk: Desk):
    desk.http.say(f"{ISSUER}/jwks", b"<html>")
    desk.now = 301
    await desk.jwks.keys(entry(), "rsa")
    opened = desk.hangs()
    desk.http.say(f"{ISSUER}/jwks", KEYS)
    desk.now = 3700
    waiting = asyncio.create_task(desk.jwks.keys(entry(), "rsa"))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    opened.set()
    assert "rsa" in await waiting
    assert desk.jwks.age(entry()) == 0


async def test_once_it_is_back_an_unknown_kid_is_a_no_again(desk: Desk):
    desk.http.say(f"{ISSUER}/jwks", b"<html>")
    desk.now = 1
    with pytest.raises(Unavailable):
        await desk.jwks.keys(entry(), "invented")
    desk.http.say(f"{ISSUER}/jwks", KEYS)
    desk.now = 61
    assert "invented" not in await desk.jwks.keys(entry(), "invented")


async def test_a_set_that_breaks_the_rules_does_not_replace_the_one_in_use(desk: Desk):
    desk.http.say(f"{ISSUER}/jwks", {"keys": [jwk("rsa"), jwk("other", kid="rsa")]})
    before = await desk.jwks.keys(entry(), "rsa")
    desk.now = 301
    assert await desk.jwks.keys(entry(), "rsa") is before
    assert desk.jwks.age(entry()) == 301


async def test_a_caller_who_leaves_does_not_stop_the_fetch_for_the_others():
    desk = Desk()
    opened = desk.hangs()
    first, second = (asyncio.create_task(desk.jwks.keys(entry(), "rsa")) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    opened.set()
    assert "rsa" in await second
    assert len(desk.http.asked) == 2
