"""What GitLab gives is looked at, and every fault has its meaning; against a server that answers as it is told."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from counterfoil.wire.secret import Secret
from services.providers import calls, shelf
from services.providers.seam import ProviderError, Refused, RootRefused, Unavailable, Unknown, token_of
from tests.providers.desk import CANARY, Desk, told
from tests.providers.liar import Liar, Says, lying

ONE = UUID("8f14e45f-ceea-467f-a1e6-5c5d1a4c2b10")
NAME, MAKE = f"counterfoil-{ONE}", "/api/v4/projects/acme%2Fweb/access_tokens"
LIST = f"{MAKE}?state=active&search={NAME}&per_page=100&page=1"
DOCUMENTED = {"scopes": ["api", "read_repository"], "active": True, "name": "test", "revoked": False, "created_at": "2021-01-21T19:35:37.921Z",
              "description": "Test Token description", "user_id": 166, "id": 58, "expires_at": "2021-01-31", "token": "D4y...Wzr",
              "access_level": 30}  # fmt: skip
"""The documentation's own answer to a creation."""


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    async with lying() as made:
        yield made


def desk(liar: Liar) -> Desk:
    config = {"place": "projects/acme/web", "api": f"{liar.url}/api/v4", "network": "this_machine"}
    return Desk(shelf.provider("gitlab"), config, {"token": Secret("glpat-x")}, frozenset({"read_api", "role:reporter"}), away=config)


def gives(status: int = 201, **changes: Any) -> Says:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    usual = DOCUMENTED | {"scopes": ["read_api"], "access_level": 20, "name": NAME, "expires_at": tomorrow, "token": f"glpat-{CANARY}"}
    return Says({name: value for name, value in (usual | changes).items() if value is not None}, status)


def said(status: int, **headers: str) -> Says:
    return Says({"message": CANARY, "error": CANARY}, status, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    "lie",
    [
        {"scopes": ["read_api", "api"]},
        {"scopes": ["api"]},
        {"scopes": []},
        {"scopes": None},
        {"scopes": "read_api"},
        {"scopes": [["read_api"]]},
        {"access_level": 40},
        {"access_level": None},
        {"access_level": True},
        {"access_level": "20"},
    ],
)
async def test_more_than_was_asked_or_not_said_what_is_not_handed_over(liar: Liar, lie: dict[str, Any]):
    liar.set(MAKE, gives(**lie))
    made = desk(liar)
    order = made.order(credential_id=ONE)

    minted = await made.provider.mint(order, made.root)

    assert calls.more(order, minted)
    assert token_of(minted).text() == f"glpat-{CANARY}"


@pytest.mark.parametrize(
    "lie",
    [
        {"expires_at": None},
        {"expires_at": CANARY},
        {"expires_at": "2999-01-01"},
        {"active": False},
        {"active": None},
        {"revoked": True},
        {"name": CANARY},
        {"token": f"{CANARY} x"},
        {"token": "x" * 4097},
        {"status": 200},
        {"status": 500},
    ],
)
async def test_what_is_amiss_is_not_handed_over(liar: Liar, lie: dict[str, Any]):
    liar.set(MAKE, gives(**lie))

    minted = await desk(liar).mint(credential_id=ONE)

    assert minted.amiss
    assert CANARY not in minted.amiss


async def test_an_honest_answer_is_handed_over_and_the_documentations_own_is_not(liar: Liar):
    liar.set(MAKE, gives(), Says(DOCUMENTED, 201))
    made = desk(liar)
    order = made.order(credential_id=ONE)

    honest, documented = await made.provider.mint(order, made.root), await made.provider.mint(order, made.root)

    assert (honest.amiss, calls.more(order, honest)) == ("", False)
    assert calls.more(order, documented)
    assert documented.expires_at.date() == date(2021, 1, 31)
    assert documented.granted_scopes == {"api", "read_repository", "role:developer"}


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        (said(400), Refused, "not_granted"),
        (said(401), RootRefused, "root_refused"),
        (said(403), Refused, "forbidden"),
        (said(404), Refused, "no_such_place"),
        (said(422), Refused, "said_no"),
        (said(302, Location=f"https://{CANARY}.example/"), Refused, "said_no"),
        (said(429), Unavailable, "busy"),
        (said(503, Retry_After="7"), Unavailable, "busy"),
        (said(503), Unknown, "no_token"),
        (said(500), Unknown, "no_token"),
        (said(200), Unknown, "no_token"),
        (Says(CANARY.encode(), 201), Unknown, "no_token"),
        (Says([CANARY], 201), Unknown, "no_token"),
        (gives(token=7), Unknown, "no_token"),
        (Says(cut=True), Unknown, "unreachable"),
        (Says(b'{"token": "' + b"x" * 300_000 + b'"}', 201), Unknown, "too_large"),
    ],
)
async def test_a_no_is_final_or_surely_nothing_or_not_known(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    liar.set(MAKE, says)

    with pytest.raises(ProviderError) as caught:
        await desk(liar).mint(credential_id=ONE)

    assert (type(caught.value), caught.value.code) == (kind, code)
    assert CANARY not in told(caught.value)
    assert "glpat-x" not in told(caught.value)
    assert len(liar.asked) == 1


async def test_a_limit_says_how_long_to_keep_still_and_is_kept(liar: Liar):
    liar.set(MAKE, said(429, Retry_After="7"))
    made = desk(liar)
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            await made.mint()
        assert caught.value.retry_after is not None
        assert caught.value.retry_after <= timedelta(seconds=7)

    assert len(liar.asked) == 1


@pytest.mark.parametrize(
    ("first", "listed", "code"),
    [
        (Says(status=204), Says([{"name": NAME, "id": 9, "revoked": False, "active": True}]), "still_alive"),
        (Says(status=204), Says([{"name": NAME, "id": CANARY}]), "still_alive"),
        (Says(status=204), said(404), "not_listed"),
        (Says(status=204), Says({}), "not_listed"),
        (Says(status=204), Says([[]]), "not_listed"),
        (Says(status=204), Says(b'[], "all2": []'), "not_listed"),
        (Says(status=204), said(429, Retry_After="9"), "not_listed"),
        (Says(status=204), Says(cut=True), "unreachable"),
        (said(400), Says([]), "not_revoked"),
        (said(302, Location="/"), Says([]), "not_revoked"),
        (said(200), Says([]), "not_revoked"),
        (Says(cut=True), Says([]), "unreachable"),
    ],
)
async def test_it_is_dead_when_the_list_has_it_no_more_and_not_before(liar: Liar, first: Says, listed: Says, code: str):
    for number in (0, 9):
        liar.set(f"{MAKE}/{number}", first)
    liar.set(LIST, listed)
    made = desk(liar)

    with pytest.raises(Unavailable) as caught:
        await made.provider.revoke({"name": NAME, "id": 9}, made.config, made.root, None)

    assert caught.value.code == code
    assert CANARY not in told(caught.value)


async def test_a_root_token_that_is_not_taken_is_told_apart_for_another_may_end_it(liar: Liar):
    liar.set(f"{MAKE}/9", said(401))
    made = desk(liar)

    with pytest.raises(RootRefused) as caught:
        await made.provider.revoke({"name": NAME, "id": 9}, made.config, made.root, None)

    assert caught.value.code == "not_revoked"


@pytest.mark.parametrize("first", [Says(status=204), said(404)])
async def test_gone_already_is_no_error(liar: Liar, first: Says):
    liar.set(f"{MAKE}/9", first)
    liar.set(LIST, Says([{"name": f"{NAME}-x", "id": 1, "active": True}, {"name": NAME, "id": 9, "revoked": True, "active": False}]))
    made = desk(liar)

    await made.provider.revoke({"name": NAME, "id": 9}, made.config, made.root, None)

    assert [one.path for one in liar.asked] == [f"{MAKE}/9", LIST]
