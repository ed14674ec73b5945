"""Linear, on the emulator of it: what is lent may what its scopes say, and is dead when it is ended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers import calls, shelf
from services.providers.seam import Minted, Refused, token_of
from tests.providers.desk import CANARY, Desk, told
from tests.support.linear import COMMENT, CREATE, OFFERED, READ, SECRET, USERS_OWN, Linear

pytestmark = pytest.mark.counterparts


def desk(request: pytest.FixtureRequest) -> Desk:
    """For the conformance suite."""
    return desk_of(request.getfixturevalue("linear"))


def desk_of(linear: Linear, **changes: Any) -> Desk:
    away = linear.config(api="http://127.0.0.1:1")
    return Desk(shelf.provider("linear"), linear.config(**changes), {"client_secret": linear.secret}, frozenset(OFFERED), away=away)


def text(minted: Minted) -> str:
    return token_of(minted).text()


async def refused(desk: Desk, **changes: Any) -> str:
    with pytest.raises(Refused) as caught:
        await desk.mint(**changes)
    assert SECRET not in told(caught.value)
    return caught.value.code


async def test_a_token_does_what_its_scopes_say_and_nothing_else(linear: Linear):
    minted = await desk_of(linear).mint()

    assert minted.amiss == ""
    assert minted.granted_scopes == frozenset(OFFERED)
    assert await linear.may(text(minted), READ)
    assert await linear.may(text(minted), CREATE)
    assert not await linear.may(text(minted), COMMENT)


async def test_an_ended_token_opens_nothing_and_the_others_go_on(linear: Linear):
    desk = desk_of(linear)
    ended, other = await desk.mint(), await desk.mint()

    assert await desk.revoke(ended) is True

    assert not await linear.opens(text(ended))
    assert await linear.may(text(other), READ)
    assert await desk.revoke(ended) is False


async def test_what_is_lent_is_over_before_linears_month_and_the_handle_knows_when_it_is_surely_dead(linear: Linear):
    minted = await desk_of(linear).mint(expires_at=(soon := datetime.now(UTC) + timedelta(minutes=5)))

    assert minted.expires_at == soon
    until = datetime.fromisoformat(str(minted.handle["until"]))
    assert timedelta(days=29, hours=23) < until - datetime.now(UTC) < timedelta(days=30, minutes=1)


async def test_other_scopes_would_end_what_others_were_lent_and_are_refused(linear: Linear):
    desk = desk_of(linear)
    lent = await desk.mint()

    assert await refused(desk, scopes=frozenset({"read"})) == "other_scopes"

    assert await linear.may(text(lent), READ)


async def test_where_an_operator_wants_it_so_fewer_are_lent_and_all_others_of_the_app_end(linear: Linear):
    desk = desk_of(linear, fewer=True)
    before = await desk.mint()
    order = desk.order(scopes=frozenset({"read"}))

    fewer = await desk.provider.mint(order, desk.root)

    assert not calls.more(order, fewer)
    assert await linear.may(text(fewer), READ)
    assert not await linear.may(text(fewer), CREATE)
    assert not await linear.opens(text(before))
    assert await desk.revoke(before) is False


async def test_scopes_that_the_app_has_not_are_linears_no(linear: Linear):
    offered = [*OFFERED, "admin"]

    assert await refused(desk_of(linear, scopes=offered), scopes=frozenset(offered)) == "invalid_scope"


@pytest.mark.parametrize("client", ["nobody", USERS_OWN])
async def test_an_app_that_is_not_known_or_not_for_itself_is_refused(linear: Linear, client: str):
    offered = ["read"]

    code = await refused(desk_of(linear, client_id=client, scopes=offered), scopes=frozenset(offered))

    assert code == ("invalid_client" if client == "nobody" else "unauthorized_client")


async def test_a_wrong_secret_is_refused_and_not_quoted(linear: Linear):
    desk = desk_of(linear)

    with pytest.raises(Refused) as caught:
        await desk.provider.mint(desk.order(), {"client_secret": Secret(CANARY)})

    assert caught.value.code == "invalid_client"
    assert CANARY not in told(caught.value)
