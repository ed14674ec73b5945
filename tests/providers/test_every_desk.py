"""What every provider does at its desk, as against what it declares: asked of each that has a test of its own."""

import importlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from services.providers import shelf
from services.providers.seam import AlreadyThere, Idempotency, Refused, Revocation, Unavailable, token_of
from tests.providers.desk import CANARY, NOBODY_CAN, Desk, told

HERE = Path(__file__).parent


def with_desk(name: str):
    """A provider whose test is missing is found by the test for it, not by an error while collecting."""
    if not (HERE / f"test_{name}.py").exists():
        return pytest.param(name, marks=pytest.mark.skip("no test of its own: test_it_has_a_test_of_its_own fails"))
    return pytest.param(name, marks=getattr(importlib.import_module(f"tests.providers.test_{name}"), "pytestmark", ()))


@pytest.fixture(params=[with_desk(name) for name in shelf.names()])
def desk(request: pytest.FixtureRequest) -> Desk:
    made: Desk = importlib.import_module(f"tests.providers.test_{request.param}").desk(request)
    return made


async def test_what_it_mints_is_within_what_was_asked(desk: Desk):
    order = desk.order()

    minted = await desk.provider.mint(order, desk.root)

    assert minted.granted_scopes <= order.scopes
    assert all(detail in order.details for detail in minted.granted_details)
    assert minted.expires_at <= order.expires_at
    await desk.revoke(minted)


async def test_the_answer_holds_the_token_and_its_parts(desk: Desk):
    minted = await desk.mint()

    answer = json.loads(minted.secret.reveal())

    assert set(answer) == {"access_token", "token_type", "credential"}
    assert answer["access_token"]
    assert answer["token_type"] == minted.token_type
    await desk.revoke(minted)


async def test_nothing_but_the_secret_shows_the_secret(desk: Desk):
    minted = await desk.mint()
    token = json.loads(minted.secret.reveal())["access_token"]

    assert token not in repr(minted)
    assert token not in json.dumps(minted.handle)
    assert not [part for part in json.loads(minted.secret.reveal())["credential"].items() if part[0] == "password" and part[1] in repr(minted)]
    await desk.revoke(minted)


async def test_a_wish_that_makes_no_sense_is_refused_and_mints_nothing(desk: Desk):
    order = desk.order(scopes=frozenset({"no such scope"}))

    with pytest.raises(Refused):
        desk.provider.check(order.scopes, order.details, order.config)
    with pytest.raises(Refused):
        await desk.provider.mint(order, desk.root)
    assert not await desk.is_alive(order.credential_id)


async def test_an_unknown_type_of_detail_is_refused(desk: Desk):
    with pytest.raises(Refused):
        desk.provider.check(desk.scopes, ({"type": "no such type"},), desk.config)


async def test_an_unknown_member_of_the_config_is_refused(desk: Desk):
    with pytest.raises(Refused):
        desk.provider.check(desk.scopes, desk.details, {**desk.config, "no_such_member": 1})


async def test_the_desks_own_wish_passes_the_check(desk: Desk):
    desk.provider.check(desk.scopes, desk.details, desk.config)


async def test_a_root_secret_that_is_refused_is_not_quoted(desk: Desk):
    with pytest.raises(Refused) as refused:
        await desk.provider.mint(desk.order(), desk.wrong_root)

    assert CANARY not in told(refused.value)
    assert "Secret(***)" in f"{desk.wrong_root}"


async def test_a_provider_that_is_away_is_unavailable_and_surely_minted_nothing(desk: Desk):
    if desk.away is None:
        pytest.skip("it asks nobody")
    with pytest.raises(Unavailable) as away:
        await desk.provider.mint(desk.order(config=desk.away), desk.wrong_root)

    assert CANARY not in told(away.value)


async def test_a_revocation_that_cannot_be_done_raises(desk: Desk):
    if desk.away is None or desk.one_for_all or desk.provider.revocation in NOBODY_CAN:
        pytest.skip("it asks nobody")
    minted = await desk.mint()

    with pytest.raises(Unavailable):
        await desk.provider.revoke(minted.handle, desk.away, desk.root, token_of(minted))
    await desk.revoke(minted)


async def test_a_request_after_its_window_mints_nothing(desk: Desk):
    order = desk.order(window_closes_at=datetime.now(UTC) - timedelta(seconds=1))

    with pytest.raises((Refused, Unavailable)):
        await desk.provider.mint(order, desk.root)
    assert not await desk.is_alive(order.credential_id)


async def test_revoking_twice_is_no_error_and_the_second_time_it_was_gone_already(desk: Desk):
    minted = await desk.mint()

    found = [await desk.revoke(minted) for _ in range(2)]

    assert found in ([True, False], [None, None])
    tells = desk.provider.revocation in {Revocation.BY_NAME, Revocation.BY_POSSESSION} and desk.provider.name != "oauth2" and not desk.one_for_all
    assert (found == [True, False]) is tells


async def test_a_name_is_minted_once(desk: Desk):
    if desk.provider.idempotency is not Idempotency.BY_NAME:
        pytest.skip("it cannot name what it mints")
    order = desk.order()
    minted = await desk.provider.mint(order, desk.root)

    with pytest.raises(AlreadyThere):
        await desk.provider.mint(order, desk.root)
    assert await desk.is_alive(order.credential_id)
    await desk.revoke(minted)
    assert not await desk.is_alive(order.credential_id)


async def test_a_name_that_was_never_minted_can_be_revoked(desk: Desk):
    handle = desk.provider.handle(uuid4())
    if handle is None:
        pytest.skip("it cannot name what it mints")

    await desk.provider.revoke(handle, desk.config, desk.root, None)
