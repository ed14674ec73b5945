"""What GitHub gives is looked at: more than was asked, or not said what, is not handed over. And what it is asked for is exact."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers import calls
from services.providers.seam import token_of
from tests.providers.desk import CANARY
from tests.providers.github_liar import END, LOOK, MINT, desk, gives, said
from tests.providers.liar import Liar, Says, lying

STATELESS = f"ghs_12345_{'e' * 200}.{'y' * 200}.{'J' * 100}"
"""Of the form that GitHub gives since 2026."""


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    async with lying() as made:
        yield made


@pytest.mark.parametrize(
    "lie",
    [
        {"permissions": {"contents": "read", "issues": "write"}},
        {"permissions": {"contents": "write"}},
        {"permissions": {"contents": "read", "metadata": "write"}},
        {"permissions": {}},
        {"permissions": None},
        {"permissions": "contents:read"},
        {"repositories": [{"full_name": "acme/a"}, {"full_name": "acme/b"}]},
        {"repositories": [{"full_name": "acme/b"}]},
        {"repositories": [{"full_name": "globex/a"}]},
        {"repositories": [{"name": "a"}]},
        {"repositories": ["acme/a"]},
        {"repositories": []},
        {"repositories": None},
        {"repository_selection": "all"},
        {"repository_selection": None},
    ],
)
async def test_more_than_was_asked_or_not_said_what_is_not_handed_over(liar: Liar, lie: dict[str, Any]):
    liar.set(MINT, gives(**lie))
    made = desk(liar)
    order = made.order()

    minted = await made.provider.mint(order, made.root)

    assert calls.more(order, minted)
    assert token_of(minted).text() == f"ghs_{CANARY}"  # so that it can be ended


@pytest.mark.parametrize(
    "lie",
    [
        {"expires_at": None},
        {"expires_at": CANARY},
        {"expires_at": "2999-01-01T00:00:00Z"},
        {"expires_at": "2016-07-11T22:14:10Z"},
        {"expires_at": (datetime.now(UTC) + timedelta(minutes=59)).strftime("%Y-%m-%dT%H:%M:%S")},
        {"token": f"ghs_{CANARY} "},
        {"token": f"ghs_{CANARY}\r\nx: y"},
        {"token": f"ghs_{CANARY}é"},
        {"token": "x" * 4096},
        {"permissions": {"metadata": "read"}},
        {"status": 200},
        {"status": 500},
    ],
)
async def test_what_is_amiss_is_not_handed_over_and_said_without_its_words(liar: Liar, lie: dict[str, Any]):
    liar.set(MINT, gives(**lie))
    minted = await desk(liar).mint()

    assert minted.amiss
    assert CANARY not in minted.amiss
    assert token_of(minted) == Secret(lie.get("token", f"ghs_{CANARY}"))


@pytest.mark.parametrize("ends", ["2016-07-11T22:14:10Z", "2999-01-01T00:00:00Z", None])
async def test_what_it_says_of_its_end_is_no_reason_not_to_end_it(liar: Liar, ends: str | None):
    liar.set(MINT, gives(expires_at=ends))
    liar.set(END, Says(status=204))
    liar.set(LOOK, said(401))
    made = desk(liar)

    minted = await made.mint()
    await made.revoke(minted)

    assert len(liar.at(END)) == len(liar.at(LOOK)) == 1
    assert (minted.handle["until"] is not None) == (ends is not None and ends < "2900")  # dead by then, whatever becomes of it


@pytest.mark.parametrize("token", ["g", STATELESS, "x" * 4095, "ghs_~!/+=,;\"'"])
async def test_a_token_is_opaque(liar: Liar, token: str):
    liar.set(MINT, gives(token=token))
    liar.set(END, Says(status=204))
    liar.set(LOOK, said(401))
    made = desk(liar)

    minted = await made.mint()
    await made.revoke(minted)

    assert not minted.amiss
    assert [one.headers["authorization"] for one in (*liar.at(END), *liar.at(LOOK))] == [f"Bearer {token}"] * 2


async def test_five_hundred_repositories_in_full_are_no_answer_too_large(liar: Liar):
    names = [f"acme/r{number}" for number in range(500)]
    liar.set(MINT, gives(repositories=[{"full_name": one, "owner": {"login": "acme"}, "filler": "x" * 7000} for one in names]))
    made = desk(liar)
    order = made.order(details=({"type": "github", "repositories": names},))

    minted = await made.provider.mint(order, made.root)

    assert not calls.more(order, minted)
    assert not minted.amiss


async def test_the_request_always_names_both_and_its_version(liar: Liar):
    liar.set(MINT, gives())
    await desk(liar).mint()

    (asked,) = liar.asked
    assert json.loads(asked.body) == {"repositories": ["a"], "permissions": {"contents": "read"}}
    assert asked.headers["x-github-api-version"] == "2022-11-28"
    assert asked.headers["authorization"].startswith("Bearer eyJ")
    assert "x-github-stateless-s2s-token" not in asked.headers


@pytest.mark.parametrize("form", ["enabled", "disabled"])
async def test_the_form_of_tokens_can_be_forced(liar: Liar, form: str):
    liar.set(MINT, gives())
    await desk(liar, stateless_token=form, api_version="2026-03-10").mint()

    assert liar.asked[0].headers["x-github-stateless-s2s-token"] == form
    assert liar.asked[0].headers["x-github-api-version"] == "2026-03-10"
