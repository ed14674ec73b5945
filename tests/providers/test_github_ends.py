"""Ending a token of GitHub's, against a server that answers as it is told: what counts is that it is seen to open nothing."""

from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.wire.secret import Secret
from services.providers.abilities import Shuts
from services.providers.seam import Refused, Unavailable
from tests.providers.desk import CANARY, told
from tests.providers.github_liar import END, LOOK, desk, said
from tests.providers.liar import Liar, Says, lying

TOKEN = Secret(f"ghs_{CANARY}")
GONE, OPENS = Says(status=204), Says({"total_count": 1, "repositories": []})


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    async with lying() as made:
        yield made


async def end(liar: Liar, first: Says, second: Says | None = None, until: datetime | None = None, token: Secret | None = TOKEN) -> None:
    liar.set(END, first)
    if second:
        liar.set(LOOK, second)
    made = desk(liar)
    await made.provider.revoke({"api": liar.url, "until": until.isoformat() if until else None}, made.config, made.root, token)


@pytest.mark.parametrize("first", [GONE, said(401)])
async def test_it_is_dead_when_it_opens_nothing_any_more(liar: Liar, first: Says):
    await end(liar, first, said(401))

    assert [one.path for one in liar.asked] == [END, LOOK]
    assert {one.headers["authorization"] for one in liar.asked} == {f"Bearer {TOKEN.text()}"}


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (GONE, OPENS, "still_alive"),
        (said(401), OPENS, "still_alive"),
        (GONE, said(403), "not_proven"),
        (GONE, said(404), "not_proven"),
        (GONE, said(500), "not_proven"),
        (GONE, said(302, Location="/"), "not_proven"),
        (GONE, Says(cut=True), "unreachable"),
        (said(403), None, "not_revoked"),
        (said(404), None, "not_revoked"),
        (said(500), None, "not_revoked"),
        (said(200), None, "not_revoked"),
        (Says(cut=True), None, "unreachable"),
    ],
)
async def test_anything_else_may_mean_that_it_lives(liar: Liar, first: Says, second: Says | None, code: str):
    with pytest.raises(Unavailable) as caught:
        await end(liar, first, second)

    assert caught.value.code == code
    assert CANARY not in told(caught.value)


@pytest.mark.parametrize("places", [(said(429, Retry_After="9"), None), (GONE, said(403, Retry_After="9"))])
async def test_a_limit_says_when_to_try_again(liar: Liar, places: tuple[Says, Says | None]):
    with pytest.raises(Unavailable) as caught:
        await end(liar, *places)

    assert caught.value.retry_after == timedelta(seconds=9)


async def test_what_is_over_by_its_own_hour_is_dead_without_asking(liar: Liar):
    await end(liar, said(500), until=datetime.now(UTC) - timedelta(minutes=3))

    assert liar.asked == []


async def test_while_clocks_may_differ_it_is_asked(liar: Liar):
    await end(liar, GONE, said(401), until=datetime.now(UTC) - timedelta(minutes=1))

    assert len(liar.asked) == 2


async def test_without_the_token_nothing_can_be_ended(liar: Liar):
    with pytest.raises(Unavailable):
        await end(liar, GONE, token=None)


async def test_another_network_is_no_way_around_what_the_entry_allows(liar: Liar):
    made = desk(liar, network="internet")

    with pytest.raises(Refused):
        await made.mint()
    with pytest.raises(Refused):
        await made.provider.revoke({"api": liar.url, "until": None}, made.config, made.root, TOKEN)
    assert liar.asked == []


async def test_a_token_is_shown_to_nobody_but_the_place_that_gave_it(liar: Liar):
    made = desk(liar)

    with pytest.raises(Unavailable) as caught:
        await made.provider.revoke({"api": "https://api.github.com", "until": None}, made.config, made.root, TOKEN)

    assert caught.value.code == "api_changed"
    assert liar.asked == []


SUSPENDED, PLACE = "/app/installations/7/suspended", "/app/installations/7"


@pytest.mark.parametrize(
    ("first", "second", "is_so"),
    [
        (Says(status=204), Says({"suspended_at": "2026-11-27T12:00:00Z"}), True),
        (said(404), Says({"suspended_at": "2026-11-27T12:00:00Z"}), True),
        (Says(status=204), Says({"suspended_at": None}), False),
        (Says(status=204), Says({}), False),
        (Says(status=204), Says(b"[]"), False),
        (Says(status=204), said(401), False),
        (Says(cut=True), Says({"suspended_at": "2026-11-27T12:00:00Z"}), False),
    ],
)
async def test_it_is_suspended_when_it_says_so_itself(liar: Liar, first: Says, second: Says, is_so: bool):
    liar.set(SUSPENDED, first)
    liar.set(PLACE, second)
    made = desk(liar)
    assert isinstance(made.provider, Shuts)

    with nullcontext() if is_so else pytest.raises(Unavailable) as caught:
        await made.provider.shut(made.config, made.root)

    assert CANARY not in told(caught.value if caught else None)
