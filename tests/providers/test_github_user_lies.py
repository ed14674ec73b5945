"""What GitHub gives for a user is looked at: more than was asked, or not said what, is not handed over. And it is ended only where that is proven."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers import calls
from services.providers.seam import Minted, Unavailable, token_of
from tests.providers.desk import CANARY, told
from tests.providers.github_liar import said
from tests.providers.github_user_liar import SCOPED, TOKEN, USER, again, desk, gives
from tests.providers.liar import Liar, Says

GONE = Says(status=204)


async def lent(liar: Liar, **lie: Any) -> Minted:
    liar.set(SCOPED, gives(**lie))
    minted = await again(desk(liar))
    assert minted is not None
    return minted


@pytest.mark.parametrize(
    "lie",
    [
        {"permissions": {"contents": "read", "issues": "write"}},
        {"permissions": {"contents": "write"}},
        {"permissions": {"contents": "read", "metadata": "write"}},
        {"permissions": {}},
        {"permissions": None},
        {"permissions": "contents:read"},
        {"repository_selection": "all"},
        {"repository_selection": None},
        {"account": {"login": "globex"}},
        {"account": "acme"},
        {"account": None},
        {"repositories": [{"full_name": "acme/a"}, {"full_name": "acme/b"}]},
        {"repositories": [{"full_name": "acme/b"}]},
        {"repositories": []},
        {"repositories": "acme/a"},
    ],
)
async def test_more_than_was_asked_or_not_said_what_is_not_handed_over(liar: Liar, lie: dict[str, Any]):
    minted = await lent(liar, **lie)

    assert calls.more(desk(liar).order(), minted)
    assert token_of(minted).text() == f"ghu_{CANARY}"  # so that it can be ended


@pytest.mark.parametrize(
    "told", [{}, {"repositories": [{"full_name": "Acme/A"}]}, {"account": {"login": "ACME"}}, {"permissions": {"contents": "read"}}]
)
async def test_what_was_asked_is_handed_over(liar: Liar, told: dict[str, Any]):
    minted = await lent(liar, **told)

    assert not calls.more(desk(liar).order(), minted)
    assert not minted.amiss


@pytest.mark.parametrize(
    "lie",
    [
        {"expires_at": None},
        {"expires_at": CANARY},
        {"expires_at": "2999-01-01T00:00:00Z"},
        {"expires_at": (datetime.now(UTC) + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M:%SZ")},
        {"expires_at": "2016-07-11T22:14:10Z"},
        {"expires_at": (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")},
        {"token": f"ghu_{CANARY} "},
        {"token": f"ghu_{CANARY}\r\nx: y"},
        {"token": "x" * 4096},
        {"permissions": {"metadata": "read"}},
        {"status": 201},
        {"status": 404},
    ],
)
async def test_what_is_amiss_is_not_handed_over_and_said_without_its_words(liar: Liar, lie: dict[str, Any]):
    minted = await lent(liar, **lie)

    assert minted.amiss
    assert CANARY not in minted.amiss
    assert token_of(minted) == Secret(lie.get("token", f"ghu_{CANARY}"))


async def test_the_request_always_names_both_and_whose_they_are(liar: Liar):
    await lent(liar)

    (asked,) = liar.asked
    assert json.loads(asked.body) == {"access_token": f"own_{CANARY}", "target": "acme", "repositories": ["a"], "permissions": {"contents": "read"}}
    assert asked.headers["authorization"].startswith("Basic ")
    assert asked.headers["x-github-api-version"] == "2022-11-28"


async def ended(liar: Liar, first: Says, check: Says | None = None, user: Says | None = None, **handle: Any) -> bool | None:
    liar.set(TOKEN, *([first, check] if check else [first]))
    if user:
        liar.set(USER, user)
    made = desk(liar)
    known = {"api": liar.url, "client_id": "Iv1.abc", "until": None} | handle
    return await made.provider.revoke(known, made.config, made.root, Secret(f"ghu_{CANARY}"))


async def test_it_is_dead_when_the_check_does_not_know_it_any_more(liar: Liar):
    assert await ended(liar, GONE, said(404)) is True
    assert [json.loads(one.body) for one in liar.asked] == [{"access_token": f"ghu_{CANARY}"}] * 2


@pytest.mark.parametrize("first", [404, 422])
async def test_one_that_is_not_known_is_dead_already_when_it_opens_nothing(liar: Liar, first: int):
    """Not by the check: to an app whose secret is wrong it would say the same of a token that lives."""
    assert await ended(liar, said(first), said(404), said(401)) is False
    assert [one.path for one in liar.asked] == [TOKEN, USER]


@pytest.mark.parametrize(
    ("first", "check", "user", "code"),
    [
        (GONE, gives(), None, "still_alive"),
        (GONE, said(403), None, "not_proven"),
        (GONE, said(500), None, "not_proven"),
        (GONE, Says(cut=True), None, "unreachable"),
        (said(404), None, Says({"login": "octocat"}), "not_revoked"),
        (said(422), None, said(403), "not_revoked"),
        (said(422), None, said(500), "not_revoked"),
        (said(401), None, None, "not_revoked"),
        (said(403), None, None, "not_revoked"),
        (said(500), None, None, "not_revoked"),
        (Says(b"<h1>ok</h1>", 200, kind="text/html"), None, None, "not_revoked"),
        (Says(cut=True), None, None, "unreachable"),
    ],
)
async def test_anything_else_may_mean_that_it_lives(liar: Liar, first: Says, check: Says | None, user: Says | None, code: str):
    with pytest.raises(Unavailable) as caught:
        await ended(liar, first, check, user)

    assert caught.value.code == code
    assert CANARY not in told(caught.value)


@pytest.mark.parametrize("handle", [{"api": "https://elsewhere.example"}, {"client_id": "Iv1.other"}])
async def test_a_token_is_shown_only_where_it_came_from(liar: Liar, handle: dict[str, Any]):
    with pytest.raises(Unavailable, match="api_changed"):
        await ended(liar, GONE, **handle)

    assert liar.asked == []


async def test_a_limit_while_ending_says_how_long(liar: Liar):
    with pytest.raises(Unavailable) as caught:
        await ended(liar, said(403, Retry_After="7"))

    assert caught.value.retry_after == timedelta(seconds=7)
