"""RFC 8693 at a server that lies, hangs and breaks off: neither of the two tokens is forgotten."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers.calls import more
from services.providers.oauth.exchange import GRANT, TYPE
from services.providers.seam import ProviderError, Refused, Unavailable, Unknown, token_of
from tests.providers.desk import CANARY, Desk, told
from tests.providers.liar import RFC8414, Liar, Says, lying
from tests.providers.test_oauth2_bearer_faults import RSA, pem
from tests.support.waiting import until

OWN = "own-canary-51ab"
ACCESS = TYPE + "access_token"


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    async with lying() as made:
        exchanges(made)
        yield made


def exchanges(liar: Liar, own: dict[str, Any] | None = None, **given: Any) -> None:
    liar.set("/token", liar.gives(access_token=OWN, **(own or {})), liar.gives(**{"issued_token_type": ACCESS} | given))
    liar.set("/introspect", *lives())


def lives(*after: dict[str, Any]) -> tuple[Says, ...]:
    """What was exchanged is dead, what came of it is not."""
    return tuple(Says(one) for one in ({"active": False}, *(after or ({"active": True, "scope": "read write"},))))


def desk(liar: Liar, **config: Any) -> Desk:
    return liar.desk(grant="token_exchange", **config)


def ended(liar: Liar) -> list[str]:
    return [one.form["token"][0] for one in liar.at("/revoke")]


async def fault(liar: Liar, kind: type[ProviderError], window: float = 20, **config: Any) -> str:
    made = desk(liar, **config)
    with pytest.raises(ProviderError) as caught:
        await made.mint(window_closes_at=datetime.now(UTC) + timedelta(seconds=window))
    assert type(caught.value) is kind, told(caught.value)
    assert not [one for one in (CANARY, OWN, "s3cret") if one in told(caught.value)]
    return caught.value.code


async def test_the_clients_own_token_is_exchanged_for_what_is_wanted_and_ended(liar: Liar):
    minted = await desk(liar, exchanged_scopes=["all"], resource="https://api.example", audience="api").mint()

    assert (minted.amiss, token_of(minted)) == ("", Secret(CANARY))
    first, second = liar.at("/token")
    assert (first.form["grant_type"], first.form["scope"]) == (["client_credentials"], ["all"])
    assert not {"resource", "audience"} & first.form.keys()
    wanted = {"grant_type": [GRANT], "subject_token": [OWN], "subject_token_type": [ACCESS], "requested_token_type": [ACCESS]}
    assert second.form == wanted | {"scope": ["read write"], "resource": ["https://api.example"], "audience": ["api"]}
    assert ended(liar) == [OWN]
    assert [one.form["token"][0] for one in liar.at("/introspect")] == [OWN, CANARY]
    assert OWN not in minted.secret.text() + repr(minted) + str(minted.handle)


async def test_it_asks_for_the_scopes_that_are_wanted_where_the_entry_names_none(liar: Liar):
    await desk(liar).mint()

    assert liar.at("/token")[0].form["scope"] == ["read write"]


@pytest.mark.parametrize("issued", [None, 7, TYPE + "jwt", TYPE + "refresh_token", "access_token", ACCESS + " "])
async def test_what_is_not_said_to_be_what_was_asked_for_is_not_lent(liar: Liar, issued: Any):
    exchanges(liar, issued_token_type=issued)

    minted = await desk(liar).mint()

    assert "another type" in minted.amiss
    assert token_of(minted) == Secret(CANARY)  # what its end needs
    assert ended(liar) == [OWN]


async def test_another_type_is_lent_where_it_was_asked_for(liar: Liar):
    exchanges(liar, issued_token_type=TYPE + "jwt")

    assert (await desk(liar, requested_token_type="jwt").mint()).amiss == ""
    assert liar.at("/token")[1].form["requested_token_type"] == [TYPE + "jwt"]


async def test_what_is_no_bearer_token_is_not_lent(liar: Liar):
    exchanges(liar, token_type="N_A")

    assert "no bearer token" in (await desk(liar).mint()).amiss


async def test_the_very_token_that_was_shown_is_not_lent(liar: Liar):
    exchanges(liar, access_token=OWN)

    assert "very token" in (await desk(liar).mint()).amiss


async def test_more_than_asked_is_seen_by_whoever_ends_it(liar: Liar):
    exchanges(liar, scope="read write admin")
    liar.set("/introspect", *lives({"active": True}))
    made = desk(liar)
    order = made.order()

    assert more(order, await made.provider.mint(order, made.root))
    assert ended(liar) == [OWN]


async def test_what_the_server_ended_together_with_it_is_not_lent(liar: Liar):
    liar.set("/introspect", Says({"active": False}))

    assert "not active" in (await desk(liar).mint()).amiss

    exchanges(liar)
    assert (await desk(liar, exchanged_ends=False).mint()).amiss == ""
    assert ended(liar) == [OWN]


SAYS_NO = [
    (Says({"error": "invalid_target", "error_description": CANARY}, 400), Refused, "invalid_target"),
    (Says({"error": "invalid_request"}, 400), Refused, "invalid_request"),
    (Says({"error": CANARY}, 200), Refused, "said_no"),
    (Says(status=503), Unavailable, "busy"),
    (Says(b"<html>", 500), Unknown, "server_error"),
    (Says({"token": CANARY}), Unknown, "no_token"),
    (Says(cut=True), Unknown, "unreachable"),
]


@pytest.mark.parametrize(("says", "kind", "code"), SAYS_NO)
async def test_whatever_the_exchange_comes_to_what_was_shown_is_ended(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    liar.set("/token", liar.gives(access_token=OWN), says)

    assert await fault(liar, kind) == code
    assert len(liar.at("/token")) == 2  # never blindly again
    assert ended(liar) == [OWN]


@pytest.mark.parametrize(("says", "kind", "code"), SAYS_NO)
async def test_a_first_answer_that_holds_no_token_is_what_it_would_be_without_an_exchange(
    liar: Liar, says: Says, kind: type[ProviderError], code: str
):
    liar.set("/token", says)

    assert await fault(liar, kind) == code
    assert (len(liar.at("/token")), ended(liar)) == (1, [])


@pytest.mark.parametrize("own", [{"token_type": "mac"}, {"error": "x"}, {"expires_in": 86_401}, {"expires_in": None}])
async def test_a_token_that_is_no_good_is_ended_and_not_exchanged(liar: Liar, own: dict[str, Any]):
    exchanges(liar, own)
    liar.set("/introspect", Says({"active": False}))

    assert await fault(liar, Refused) == "bad_subject_token"
    assert (len(liar.at("/token")), ended(liar)) == (1, [OWN])


async def test_a_server_that_hangs_in_the_exchange_is_given_up_and_what_was_shown_is_ended(liar: Liar):
    liar.set("/token", liar.gives(access_token=OWN), Says(pause=4))

    assert await fault(liar, Unknown, window=1.5) in {"timeout", "subject_token_left"}
    await until(partial(over, liar))


async def test_whoever_waits_is_cut_off_and_what_was_shown_is_ended_all_the_same(liar: Liar):
    liar.set("/token", liar.gives(access_token=OWN), Says(pause=4))
    made = desk(liar)
    waiting = asyncio.create_task(made.mint())
    await until(partial(shown, liar, 2))

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    await made.provider.close()
    assert ended(liar) == [OWN]


async def shown(liar: Liar, times: int) -> bool:
    return len(liar.at("/token")) == times


async def over(liar: Liar) -> bool:
    return ended(liar) == [OWN]


ALIVE = [Says(status=500), Says(cut=True), Says(status=503, headers={"Retry-After": "7"}), Says({"error": "unsupported_token_type"}, 400)]


@pytest.mark.parametrize("says", ALIVE)
async def test_where_what_was_shown_cannot_be_ended_nothing_is_lent(liar: Liar, says: Says):
    liar.set("/revoke", says)

    minted = await desk(liar).mint()

    assert "client's own token" in minted.amiss
    assert token_of(minted) == Secret(CANARY)


@pytest.mark.parametrize("says", ALIVE)
async def test_where_it_cannot_be_ended_after_a_no_that_is_no_plain_no(liar: Liar, says: Says):
    liar.set("/token", liar.gives(access_token=OWN), Says({"error": "invalid_target"}, 400))
    liar.set("/revoke", says)

    assert await fault(liar, Unknown) == "subject_token_left"


async def test_an_end_that_fails_is_tried_again(liar: Liar):
    liar.set("/revoke", Says(status=500), Says(cut=True), Says())

    assert (await desk(liar).mint()).amiss == ""
    assert ended(liar) == [OWN] * 3


async def test_a_jwt_leaves_nothing_to_end(liar: Liar):
    liar.set("/token", liar.gives(issued_token_type=ACCESS))
    made = desk(liar, exchanges="jwt", subject="svc")

    minted = await made.provider.mint(made.order(), {"secret": Secret("s3cret"), "key": pem(RSA)})

    assert minted.amiss == ""
    (asked,) = liar.at("/token")
    assert asked.form["subject_token_type"] == [TYPE + "jwt"]
    assert asked.form["subject_token"][0].count(".") == 2
    assert ended(liar) == []


async def test_where_nothing_can_be_revoked_nothing_is_asked_for(liar: Liar):
    liar.set(RFC8414, Says(liar.metadata(revocation_endpoint=None)))

    assert await fault(liar, Refused) == "no_revocation"
    assert liar.at("/token") == []
