"""What Linear gives is looked at, and every fault has its meaning; against a server that answers as it is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers import calls, shelf
from services.providers.seam import ProviderError, Refused, RootRefused, Unavailable, Unknown, token_of
from tests.providers.desk import CANARY, Desk, told
from tests.providers.liar import Liar, Says

TOKEN, REVOKE, GRAPHQL = "/oauth/token", "/oauth/revoke", "/graphql"
SECRET = f"secret-{CANARY}"
DOCUMENTED = {"access_token": CANARY, "token_type": "Bearer", "expires_in": 2591999, "scope": "read write"}
"""The documentation's own answer, but for the token."""
ALIVE, DEAD = Says({"data": {"viewer": {"id": CANARY}}}), Says({"errors": [{"message": CANARY}]}, 401)


def desk(liar: Liar, **changes: Any) -> Desk:
    config = {"client_id": "app", "scopes": ["read", "write"], "api": liar.url, "network": "this_machine", **changes}
    return Desk(shelf.provider("linear"), config, {"client_secret": Secret(SECRET)}, frozenset({"read", "write"}), away=config)


def gives(status: int = 200, **changes: Any) -> Says:
    return Says({name: value for name, value in (DOCUMENTED | changes).items() if value is not None}, status)


def no(status: int, error: str = CANARY, **headers: str) -> Says:
    said = {"error": error, "error_description": CANARY}
    return Says(said, status, {name.replace("_", "-"): value for name, value in headers.items()})


async def test_what_is_asked_is_what_the_documentation_says(liar: Liar):
    liar.set(TOKEN, gives())

    minted = await desk(liar).mint()

    assert (minted.amiss, minted.granted_scopes, minted.token_type) == ("", frozenset({"read", "write"}), "Bearer")
    (asked,) = liar.at(TOKEN)
    assert asked.form == {"grant_type": ["client_credentials"], "scope": ["read,write"], "client_id": ["app"], "client_secret": [SECRET]}


@pytest.mark.parametrize("scope", ["read,write", "write read", ["read", "write"], " read ,  write "])
async def test_scopes_come_as_a_text_or_as_a_list(liar: Liar, scope: object):
    liar.set(TOKEN, gives(scope=scope))

    assert (await desk(liar).mint()).granted_scopes == {"read", "write"}


@pytest.mark.parametrize("scope", ["read write admin", "admin", ["read", "admin"], [["read"]], None, "", 7, {"read": True}, ", "])
async def test_more_than_was_asked_or_not_said_what_is_not_handed_over(liar: Liar, scope: object):
    liar.set(TOKEN, gives(scope=scope))
    made = desk(liar)
    order = made.order()

    minted = await made.provider.mint(order, made.root)

    assert calls.more(order, minted)
    assert token_of(minted).text() == CANARY


@pytest.mark.parametrize(
    "lie",
    [
        {"status": 400},
        {"status": 500},
        {"error": CANARY},
        {"token_type": "mac"},
        {"token_type": None},
        {"access_token": f"two {CANARY}"},
        {"expires_in": None},
        {"expires_in": 0},
        {"expires_in": True},
        {"expires_in": CANARY},
        {"expires_in": 315705599},
    ],
)
async def test_what_is_amiss_is_not_handed_over(liar: Liar, lie: dict[str, Any]):
    liar.set(TOKEN, gives(**lie))

    minted = await desk(liar).mint()

    assert minted.amiss
    assert CANARY not in minted.amiss
    assert CANARY in token_of(minted).text()


async def test_what_linear_gives_for_less_than_was_lent_is_over_with_it(liar: Liar):
    liar.set(TOKEN, gives(expires_in=60))

    assert (await desk(liar).mint()).expires_at - datetime.now(UTC) <= timedelta(seconds=60)


def test_one_whose_answer_was_lost_is_not_called_dead_while_linear_keeps_it(liar: Liar):
    provider = desk(liar).provider

    assert not provider.ends_by_itself
    assert provider.longest >= timedelta(seconds=2591999)


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        (no(400, "invalid_client"), RootRefused, "invalid_client"),
        (no(401, "invalid_client"), RootRefused, "invalid_client"),
        (no(200, "invalid_scope"), Refused, "invalid_scope"),
        (no(400, "Error"), Refused, "said_no"),
        (no(400), Refused, "said_no"),
        (no(403), Refused, "said_no"),
        (Says(b"", 302, {"Location": "/"}), Refused, "said_no"),
        (no(429, Retry_After="7"), Unavailable, "busy"),
        (no(503), Unavailable, "busy"),
        (no(500, "invalid_client"), Unknown, "server_error"),
        (gives(access_token=7), Unknown, "no_token"),
        (Says(b"[]"), Unknown, "no_token"),
        (Says(b"<html>" + CANARY.encode()), Unknown, "no_token"),
        (Says(cut=True), Unknown, "unreachable"),
        (Says(b"x" * 300_000), Unknown, "too_large"),
    ],
)
async def test_a_no_is_final_or_surely_nothing_or_not_known(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    liar.set(TOKEN, says)

    with pytest.raises(ProviderError) as caught:
        await desk(liar).mint()

    assert (type(caught.value), caught.value.code) == (kind, code)
    assert CANARY not in told(caught.value)


async def test_who_is_asked_to_keep_still_keeps_still(liar: Liar):
    liar.set(TOKEN, no(429, Retry_After="7"), gives())
    made = desk(liar)
    with pytest.raises(Unavailable) as first:
        await made.mint()

    with pytest.raises(Unavailable) as second:
        await made.mint()

    assert (first.value.retry_after, second.value.code, len(liar.at(TOKEN))) == (timedelta(seconds=7), "busy", 1)


@pytest.mark.parametrize(("first", "was_there"), [(Says(), True), (no(400), False), (no(401), False), (no(200), False)])
async def test_revoked_is_what_opens_nothing_afterwards(liar: Liar, first: Says, was_there: bool):
    liar.set(TOKEN, gives())
    liar.set(REVOKE, first)
    liar.set(GRAPHQL, DEAD)
    made = desk(liar)

    assert await made.revoke(await made.mint()) is was_there

    assert liar.at(REVOKE)[0].form == {"token": [CANARY], "token_type_hint": ["access_token"]}
    assert liar.at(GRAPHQL)[0].headers["authorization"] == f"Bearer {CANARY}"


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (Says(), ALIVE, "still_alive"),
        (Says(), Says({"data": {"viewer": {"id": "1"}}}, 401), "still_alive"),
        (no(400), ALIVE, "not_revoked"),
        (no(401), ALIVE, "not_revoked"),
        (Says(), Says({"errors": [{"extensions": {"code": "RATELIMITED"}}]}, 400), "not_proven"),
        (Says(), Says({"data": {"viewer": None}}), "not_proven"),
        (Says(), Says(status=404), "not_proven"),
        (Says(), Says(cut=True), "unreachable"),
        (no(500), DEAD, "not_revoked"),
        (no(403), DEAD, "not_revoked"),
        (no(429, Retry_After="7"), DEAD, "not_revoked"),
        (Says(cut=True), DEAD, "unreachable"),
    ],
)
async def test_what_is_not_proven_dead_is_not_called_revoked(liar: Liar, first: Says, second: Says, code: str):
    liar.set(TOKEN, gives())
    liar.set(REVOKE, first)
    liar.set(GRAPHQL, second)
    made = desk(liar)
    minted = await made.mint()

    with pytest.raises(Unavailable) as caught:
        await made.revoke(minted)

    assert caught.value.code == code
    assert CANARY not in told(caught.value)
    assert caught.value.retry_after == (timedelta(seconds=7) if first.status == 429 else None)


async def test_a_token_is_shown_to_nobody_but_who_gave_it_and_not_once_it_is_over(liar: Liar):
    liar.set(TOKEN, gives())
    made = desk(liar)
    minted = await made.mint()
    over = {**minted.handle, "until": (datetime.now(UTC) - timedelta(seconds=1)).isoformat()}

    with pytest.raises(Unavailable, match="api_changed"):
        await made.provider.revoke({**minted.handle, "api": "https://api.elsewhere.example"}, made.config, made.root, token_of(minted))
    with pytest.raises(Unavailable, match="no_token"):
        await made.provider.revoke(minted.handle, made.config, made.root, None)
    assert await made.provider.revoke(over, made.config, made.root, token_of(minted)) is None
    assert liar.at(REVOKE) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scopes": frozenset({"read", "write", "admin"})}, "other_scopes"),
        ({"scopes": frozenset({"read"})}, "other_scopes"),
        ({"scopes": frozenset()}, "other_scopes"),
        ({"details": ({"type": "linear", "team": "ENG"},)}, "no_details"),
    ],
)
async def test_what_cannot_be_is_refused_before_linear_is_asked(liar: Liar, changes: dict[str, Any], code: str):
    with pytest.raises(Refused) as refused:
        await desk(liar).mint(**changes)

    assert refused.value.code == code
    assert liar.at(TOKEN) == []


@pytest.mark.parametrize("scopes", [frozenset({"write"}), frozenset()])
def test_read_comes_with_every_token_and_is_named(liar: Liar, scopes: frozenset[str]):
    made = desk(liar, fewer=True)

    with pytest.raises(Refused, match="no_read"):
        made.provider.check(scopes, (), made.config)


@pytest.mark.parametrize("scopes", [[], ["read,write"], ["read write"], ["*"]])
def test_a_scope_of_the_config_is_one_word(liar: Liar, scopes: list[str]):
    with pytest.raises(Refused, match="config"):
        desk(liar).provider.check(frozenset({"read", "write"}), (), desk(liar, scopes=scopes).config)
