"""Key sets of the real local issuer, over real http: refresh, rotation, one flight at a time, and an issuer that is away."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from counterfoil.contracts.registry import Issuer, Mapped
from counterfoil_server.runtime.outbound import careful
from counterfoil_server.runtime.tokens.gate import verified
from counterfoil_server.runtime.tokens.jwks import Jwks, Unavailable
from counterfoil_server.runtime.tokens.rejected import Rejected
from counterfoil_server.runtime.tokens.shape import shape
from services.dev.issuer import LocalIssuer
from services.dev.signer import Signer
from tests.support.issuer import running

WHO = {"sub": "project:web", "project": "web", "environment": "production"}


class Counting:
    """The real careful http, and what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._http = careful(development=True)

    async def fetch_json(self, url: str) -> bytes:
        self.asked.append(url)
        return await self._http.fetch_json(url)


class Desk:
    """An issuer, what is kept of it, and a clock that stands still until told."""

    def __init__(self, issuer: LocalIssuer) -> None:
        self.issuer = issuer
        self.now = 0.0
        self.http = Counting()
        self.jwks = Jwks(self.http, lambda: self.now)
        self.entry = Issuer(name="local", issuer=issuer.url, project=Mapped(claim="project"), environment=Mapped(claim="environment"))

    @property
    def fetched(self) -> int:
        return sum(url.endswith("/jwks") for url in self.http.asked)

    async def verify(self, token: str) -> object:
        read = shape(token.encode())
        keys = await self.jwks.keys(self.entry, str(read.header["kid"]))
        return verified(read, self.entry, keys, "counterfoil", datetime.now(UTC))["sub"]

    async def landed(self) -> None:
        """Wait for what was fetched in the background."""
        await asyncio.gather(*(held.flight for held in self.jwks._held.values() if held.flight))


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[LocalIssuer]:
    issuer = LocalIssuer(Signer(tmp_path / "keys"), "counterfoil")
    async with running(issuer):
        yield issuer


@pytest.fixture
def desk(issuer: LocalIssuer) -> Desk:
    return Desk(issuer)


async def test_a_token_of_the_local_issuer_is_verified_with_its_discovered_keys(desk: Desk):
    assert await desk.verify(desk.issuer.sign(WHO)) == "project:web"
    assert desk.http.asked == [f"{desk.issuer.url}/.well-known/openid-configuration", f"{desk.issuer.url}/jwks"]


async def test_keys_are_kept_between_refreshes(desk: Desk):
    token = desk.issuer.sign(WHO)
    for desk.now in (0, 10, 100, 239):
        await desk.verify(token)
    assert desk.fetched == 1
    assert desk.jwks.age(desk.entry) == 239


async def test_many_callers_are_one_fetch(desk: Desk):
    token = desk.issuer.sign(WHO)
    assert await asyncio.gather(*(desk.verify(token) for _ in range(50))) == ["project:web"] * 50
    assert desk.fetched == 1


async def test_a_new_key_is_found_as_soon_as_it_signs(desk: Desk):
    before = desk.issuer.sign(WHO)
    await desk.verify(before)
    desk.issuer.rotate()
    desk.now = 1
    after = desk.issuer.sign(WHO)
    assert await asyncio.gather(*(desk.verify(after) for _ in range(20))) == ["project:web"] * 20
    assert desk.fetched == 2
    assert await desk.verify(before) == "project:web"


async def test_an_invented_kid_costs_the_issuer_one_fetch_a_minute(desk: Desk):
    await desk.jwks.keys(desk.entry, None)
    for desk.now in range(1, 121, 5):
        keys = await asyncio.gather(*(desk.jwks.keys(desk.entry, f"invented-{desk.now}-{number}") for number in range(20)))
        assert "invented" not in keys[0]
    assert desk.fetched == 1 + 2


async def test_an_invented_kid_is_rejected_not_unavailable(desk: Desk, tmp_path: Path):
    stranger = LocalIssuer(Signer(tmp_path / "stranger"), "counterfoil", desk.issuer.url)
    with pytest.raises(Rejected) as caught:
        await desk.verify(stranger.sign(WHO))
    assert caught.value.code == "unknown_key"


async def test_an_invented_kid_near_a_refresh_is_one_fetch_too(desk: Desk):
    await desk.jwks.keys(desk.entry, None)
    for desk.now in (250, 251, 252):
        await desk.jwks.keys(desk.entry, "invented")
    assert desk.fetched == 2


async def test_a_removed_key_verifies_nothing_after_the_refresh(desk: Desk):
    before = desk.issuer.sign(WHO)
    await desk.verify(before)
    desk.issuer.rotate(keep=0)
    desk.now = 301
    with pytest.raises(Rejected) as caught:
        await desk.verify(before)
    assert caught.value.code == "unknown_key"


async def test_the_next_set_is_fetched_before_the_present_one_is_too_old(desk: Desk):
    before = desk.issuer.sign(WHO)
    await desk.verify(before)
    desk.issuer.rotate(keep=0)
    desk.now = 241
    assert await desk.verify(before) == "project:web", "nobody waits for it"
    await desk.landed()
    assert desk.fetched == 2
    assert desk.jwks.age(desk.entry) == 0
    with pytest.raises(Rejected):
        await desk.verify(before)


async def test_age_is_unknown_before_the_first_fetch(desk: Desk):
    assert desk.jwks.age(desk.entry) is None


async def test_an_issuer_never_seen_that_is_away_is_unavailable(issuer: LocalIssuer):
    desk = Desk(LocalIssuer(issuer.signer, "counterfoil", "http://127.0.0.1:1"))
    for desk.now in (0, 1, 4):
        with pytest.raises(Unavailable) as caught:
            await desk.verify(desk.issuer.sign(WHO))
        assert (caught.value.code, caught.value.retryable) == ("issuer_unavailable", True)
    assert len(desk.http.asked) == 1, "it is not asked by every caller"
    desk.now = 5
    with pytest.raises(Unavailable):
        await desk.verify(desk.issuer.sign(WHO))
    assert len(desk.http.asked) == 2


async def test_while_an_issuer_is_away_its_keys_are_good_for_an_hour(tmp_path: Path):
    issuer = LocalIssuer(Signer(tmp_path / "keys"), "counterfoil")
    async with running(issuer):
        desk = Desk(issuer)
        await desk.verify(issuer.sign(WHO))
    for desk.now in (301, 900, 3600):
        assert await desk.verify(issuer.sign(WHO)) == "project:web"
        await desk.landed()
    desk.now = 3601
    with pytest.raises(Unavailable):
        await desk.verify(issuer.sign(WHO))
    async with running(issuer):
        desk.now = 3610
        assert await desk.verify(issuer.sign(WHO)) == "project:web"
        assert desk.jwks.age(desk.entry) == 0


async def test_while_an_issuer_is_away_a_new_kid_is_unavailable_not_rejected(tmp_path: Path):
    issuer = LocalIssuer(Signer(tmp_path / "keys"), "counterfoil")
    async with running(issuer):
        desk = Desk(issuer)
        before = issuer.sign(WHO)
        await desk.verify(before)
    issuer.rotate()
    for desk.now in (1, 2, 30):
        with pytest.raises(Unavailable):
            await desk.verify(issuer.sign(WHO))
        assert await desk.verify(before) == "project:web"


async def test_another_pin_is_another_set(desk: Desk):
    await desk.jwks.keys(desk.entry, None)
    desk.entry = desk.entry.model_copy(update={"jwks_uri": f"{desk.issuer.url}/jwks"})
    assert await desk.verify(desk.issuer.sign(WHO)) == "project:web"
    assert desk.http.asked[2:] == [f"{desk.issuer.url}/jwks"], "a pinned set needs no discovery"
