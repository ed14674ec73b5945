"""Google Cloud, on a server that is written by its documentation: a token opens what its scopes and its buckets say, and ends by itself."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers import calls, shelf
from services.providers.seam import Handle, Irrevocable, Minted, Refused, token_of
from tests.providers.desk import CANARY, Desk, told
from tests.support.google import ADMIN, ALL, BETWEEN, CLOSED, FAR, LENT, READ_ONLY, READ_WRITE, VIEWER, Google, key

BUCKET = {"type": "google", "bucket": "acme-reports", "roles": [VIEWER]}


def desk(request: pytest.FixtureRequest) -> Desk:
    """For the conformance suite."""
    made = desk_of(request.getfixturevalue("google"))
    return Desk(made.provider, made.config, made.root, made.scopes, made.away, (BUCKET,), made.wrong_root)


def desk_of(google: Google, **changes: Any) -> Desk:
    there = dict.fromkeys(("oauth", "iam", "sts"), google.url)
    config = {"service_account": LENT, **there, "network": "this_machine", **changes}
    away = config | dict.fromkeys(there, "http://127.0.0.1:1")
    wrong = {"key": Secret(key())}
    return Desk(shelf.provider("google"), config, {"key": Secret(google.key)}, frozenset({READ_ONLY}), away=away, wrong_root=wrong)


def text(minted: Minted) -> str:
    return token_of(minted).text()


async def refused(desk: Desk, **changes: Any) -> str:
    with pytest.raises(Refused) as caught:
        await desk.mint(**changes)
    assert "never shown" not in told(caught.value)
    return caught.value.code


async def test_a_token_is_the_service_accounts_with_the_scopes_that_were_asked_for(google: Google):
    minted = await desk_of(google).mint()

    assert (minted.amiss, minted.granted_scopes, minted.granted_details) == ("", frozenset({READ_ONLY}), ())
    assert google.tokens[text(minted)].email == LENT
    assert google.opens(text(minted), "acme-reports", "2026/1")
    assert not google.opens(text(minted), "acme-reports", "2026/1", write=True)


async def test_it_lives_as_long_as_was_asked_and_no_longer(google: Google):
    ends = datetime.now(UTC) + timedelta(seconds=90)

    minted = await desk_of(google).mint(expires_at=ends)

    real = google.tokens[text(minted)].ends
    assert ends - timedelta(seconds=3) < real <= ends
    assert minted.expires_at == real
    assert datetime.fromisoformat(str(minted.handle["until"])) == real


async def test_a_boundary_leaves_a_bucket_a_role_and_what_begins_with_a_prefix(google: Google):
    desk = desk_of(google)
    order = desk.order(scopes=frozenset({ALL}), details=(BUCKET | {"prefix": "2026/"}, {"type": "google", "bucket": "acme-drop", "roles": [ADMIN]}))

    minted = await desk.provider.mint(order, desk.root)

    assert (minted.amiss, minted.granted_details) == ("", order.details)
    assert not calls.more(order, minted)
    token = text(minted)
    assert google.opens(token, "acme-reports", "2026/1")
    assert not google.opens(token, "acme-reports", "2025/1")
    assert not google.opens(token, "acme-reports", "2026/1", write=True)
    assert google.opens(token, "acme-drop", "1", write=True)
    assert not google.opens(token, "acme-salaries", "2026/1")


async def test_the_wide_token_on_the_way_to_a_narrow_one_is_handed_to_nobody(google: Google):
    minted = await desk_of(google).mint(details=(BUCKET,))

    wide = [name for name, one in google.tokens.items() if one.email == LENT and one.rules is None]
    assert len(wide) == 1
    assert wide[0] not in minted.secret.text()
    assert wide[0] not in json.dumps(minted.handle)
    assert minted.expires_at <= google.tokens[wide[0]].ends


async def test_the_keys_own_token_is_asked_for_once(google: Google):
    desk = desk_of(google)
    for _ in range(3):
        await desk.mint()

    assert google.asked.count("token") == 1
    assert google.asked.count("generateAccessToken") == 3


async def test_an_own_token_that_google_does_not_take_any_more_is_asked_for_anew(google: Google):
    desk = desk_of(google)
    await desk.mint()
    google.tokens.clear()

    assert (await desk.mint()).amiss == ""

    assert google.asked.count("token") == 2


async def test_a_key_that_was_deleted_is_refused(google: Google):
    google.key = key()

    desk = desk_of(google)
    assert await refused(Desk(desk.provider, desk.config, desk.wrong_root, desk.scopes, desk.away)) == "root_refused"


async def test_it_may_go_through_others_who_may(google: Google):
    assert (await desk_of(google, service_account=FAR, delegates=[BETWEEN]).mint()).amiss == ""
    assert await refused(desk_of(google, service_account=FAR)) == "forbidden"
    assert await refused(desk_of(google, service_account=FAR, delegates=[CLOSED])) == "forbidden"


@pytest.mark.parametrize(("account", "code"), [(CLOSED, "forbidden"), ("none@acme.iam.gserviceaccount.com", "no_such_account")])
async def test_an_account_that_the_key_may_not_have_is_refused(google: Google, account: str, code: str):
    assert await refused(desk_of(google, service_account=account)) == code


async def test_a_scope_that_there_is_not_is_googles_no(google: Google):
    assert await refused(desk_of(google), scopes=frozenset({"https://www.googleapis.com/auth/none"})) == "not_granted"


async def test_nobody_can_end_it_until_it_has_ended(google: Google):
    desk = desk_of(google)
    minted = await desk.mint()

    with pytest.raises(Irrevocable) as caught:
        await desk.provider.revoke(minted.handle, desk.config, desk.root, token_of(minted))

    assert caught.value.until == google.tokens[text(minted)].ends
    over: Handle = {"until": (datetime.now(UTC) - timedelta(seconds=1)).isoformat()}
    await desk.provider.revoke(over, desk.config, desk.root, None)
    with pytest.raises(Irrevocable) as unknown:
        await desk.provider.revoke({"until": None}, desk.config, desk.root, None)
    assert unknown.value.until is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scopes": frozenset()}, "no_scope"),
        ({"scopes": frozenset({"devstorage.read_only"})}, "no_scope"),
        ({"scopes": frozenset({f"{READ_ONLY} {READ_WRITE}"})}, "no_scope"),
        ({"details": (BUCKET,) * 11}, "too_much"),
        ({"details": (BUCKET | {"roles": []},)}, "detail"),
        ({"details": (BUCKET | {"roles": ["storage.objects.get"]},)}, "detail"),
        ({"details": (BUCKET | {"bucket": "acme'"},)}, "detail"),
        ({"details": (BUCKET | {"prefix": "2026/') || true || ('"},)}, "detail"),
        ({"details": (BUCKET | {"prefix": ""},)}, "detail"),
        ({"details": (BUCKET | {"object": "1"},)}, "detail"),
        ({"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, "too_short"),
    ],
)
async def test_what_cannot_be_is_refused_before_a_token_is_made(google: Google, changes: dict[str, Any], code: str):
    assert await refused(desk_of(google), **changes) == code
    assert "generateAccessToken" not in google.asked


@pytest.mark.parametrize(
    "file",
    [
        CANARY,
        json.dumps([CANARY]),
        json.dumps({"type": "service_account", "client_email": CANARY, "private_key_id": "k1", "private_key": CANARY}),
        key().replace('"service_account"', '"authorized_user"'),
        key().replace('"private_key_id"', '"other"'),
    ],
    ids=["no JSON", "no object", "no key", "of a user", "no id"],
)
async def test_what_is_no_key_of_a_service_account_is_refused_and_not_quoted(google: Google, file: str):
    desk = desk_of(google)

    with pytest.raises(Refused) as caught:
        await desk.provider.mint(desk.order(), {"key": Secret(file)})

    assert caught.value.code == "bad_key"
    assert CANARY not in told(caught.value)
    assert google.asked == []
