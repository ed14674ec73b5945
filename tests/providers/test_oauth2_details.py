"""RFC 9396 against oidc-provider: what it knows as details is passed on, and what it made of them is what is lent."""

import json
from typing import Any

import pytest

from services.providers.calls import more
from services.providers.seam import Minted, Refused
from tests.support.oidc import Oidc

pytestmark = pytest.mark.counterparts
PAYMENT: dict[str, Any] = {"type": "payment", "actions": ["initiate", "refund"], "amount": 100, "locations": ["https://bank.example"]}
PASSED: dict[str, Any] = {"resource": "https://api.example", "detail_types": ["payment", "badge"]}


def token(minted: Minted) -> str:
    return str(json.loads(minted.secret.reveal())["access_token"])


async def test_details_are_the_servers_to_keep_and_it_says_so(oidc: Oidc):
    desk, asked = oidc.desk(**PASSED), (PAYMENT | {"actions": ["initiate"]}, PAYMENT | {"actions": ["cancel"], "amount": 7})

    minted = await desk.mint(details=asked)

    assert (minted.amiss, minted.granted_details) == ("", asked)
    assert (await oidc.says(token(minted)))["authorization_details"] == list(asked)
    await desk.revoke(minted)
    assert not await oidc.active(token(minted))


async def test_what_the_server_leaves_out_is_not_said_to_be_lent(oidc: Oidc):
    desk = oidc.desk(**PASSED)
    order = desk.order(details=(PAYMENT,))

    minted = await desk.provider.mint(order, desk.root)

    assert (minted.amiss, minted.granted_details) == ("", (PAYMENT | {"actions": ["initiate"]},))
    assert not more(order, minted)


async def test_of_which_nothing_is_left_is_not_lent(oidc: Oidc):
    desk = oidc.desk(**PASSED)
    order = desk.order(details=(PAYMENT | {"actions": ["refund"]},))

    assert more(order, await desk.provider.mint(order, desk.root))


async def test_they_may_be_all_that_is_wanted(oidc: Oidc):
    detail = PAYMENT | {"actions": ["initiate"]}

    minted = await oidc.desk(**PASSED).mint(scopes=frozenset(), details=(detail,))

    assert (minted.amiss, minted.granted_scopes, minted.granted_details) == ("", frozenset(), (detail,))
    assert "scope" not in await oidc.says(token(minted))


async def test_what_the_server_does_not_give_is_refused(oidc: Oidc):
    with pytest.raises(Refused, match="invalid_authorization_details"):
        await oidc.desk(**PASSED).mint(details=(PAYMENT | {"amount": 1001},))


async def test_a_type_that_its_metadata_does_not_name_is_refused_and_where_they_are_pinned_by_the_server(oidc: Oidc):
    with pytest.raises(Refused, match="unsupported_details"):
        await oidc.desk(**PASSED).mint(details=({"type": "badge"},))

    places = {"token_endpoint": f"{oidc.url}/token", "revocation_endpoint": f"{oidc.url}/token/revocation"}
    with pytest.raises(Refused, match="invalid_authorization_details"):
        await oidc.desk(**PASSED, **places).mint(details=({"type": "badge"},))


async def test_they_go_with_an_exchange_too(oidc: Oidc):
    detail = PAYMENT | {"actions": ["initiate"]}

    minted = await oidc.desk("exchanger", grant="token_exchange", **PASSED).mint(details=(detail,))

    assert (minted.amiss, minted.granted_details) == ("", (detail,))
