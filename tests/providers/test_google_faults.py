"""What Google gives is looked at, and every fault has its meaning; against a server that answers as it is told."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from counterfoil.wire.secret import Secret
from services.providers import calls, shelf
from services.providers.seam import ProviderError, Refused, RootRefused, Unavailable, Unknown, token_of
from tests.providers.desk import CANARY, Desk, told
from tests.providers.liar import Liar, Says
from tests.support.google import ACCESS, AUTH, LENT, READ_ONLY, VIEWER, key

OWN, ABOUT, NARROW = "/token", "/tokeninfo", "/v1/token"
MAKE = f"/v1/projects/-/serviceAccounts/{LENT.replace('@', '%40')}:generateAccessToken"
KEY = Secret(key())
BUCKET = {"type": "google", "bucket": "acme-reports", "roles": [VIEWER], "prefix": "2026/"}
WIDE, NARROWED = f"wide-{CANARY}", f"narrow-{CANARY}"


def desk(liar: Liar) -> Desk:
    config = {"service_account": LENT, "oauth": liar.url, "iam": liar.url, "sts": liar.url, "network": "this_machine"}
    return Desk(shelf.provider("google"), config, {"key": KEY}, frozenset({READ_ONLY}), away=config, details=(BUCKET,))


def honest(liar: Liar) -> None:
    liar.set(MAKE, gives())
    liar.set(ABOUT, Says({"scope": READ_ONLY, "expires_in": "300", "aud": "1"}))
    liar.set(NARROW, narrows())


def without_none(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def gives(status: int = 200, **changes: Any) -> Says:
    ends = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Says(without_none({"accessToken": WIDE, "expireTime": ends} | changes), status)


def narrows(status: int = 200, **changes: Any) -> Says:
    usual = {"access_token": NARROWED, "issued_token_type": ACCESS, "token_type": "Bearer", "expires_in": 300}
    return Says(without_none(usual | changes), status)


def no(status: int, word: object = CANARY, **headers: str) -> Says:
    said = {"error": {"code": status, "message": CANARY, "status": word}}
    return Says(said, status, {name.replace("_", "-"): value for name, value in headers.items()})


def oauth_no(status: int, error: str = CANARY, **headers: str) -> Says:
    said = {"error": error, "error_description": CANARY}
    return Says(said, status, {name.replace("_", "-"): value for name, value in headers.items()})


async def test_what_is_asked_is_what_the_documentation_says(liar: Liar):
    honest(liar)

    minted = await desk(liar).mint()

    assert (minted.amiss, minted.granted_scopes, minted.granted_details) == ("", frozenset({READ_ONLY}), (BUCKET,))
    assert token_of(minted).text() == NARROWED
    assert [one.path for one in liar.asked] == [OWN, MAKE, ABOUT, NARROW]
    wanted = liar.at(MAKE)[0].body.decode()
    assert wanted.startswith(f'{{"scope": ["{READ_ONLY}"], "lifetime": "')
    assert WIDE not in liar.at(ABOUT)[0].path
    assert liar.at(ABOUT)[0].headers["authorization"] == f"Bearer {WIDE}"
    form = dict(liar.at(NARROW)[0].form)
    assert unquote(form.pop("options")[0]) == (
        '{"accessBoundary": {"accessBoundaryRules": [{"availableResource": "//storage.googleapis.com/projects/_/buckets/acme-reports", '
        '"availablePermissions": ["inRole:roles/storage.objectViewer"], "availabilityCondition": {"expression": '
        "\"resource.name.startsWith('projects/_/buckets/acme-reports/objects/2026/') || "
        "api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('2026/')\"}}]}}"
    )
    assert form == {"grant_type": ["urn:ietf:params:oauth:grant-type:token-exchange"], "subject_token": [WIDE],
                    "subject_token_type": [ACCESS], "requested_token_type": [ACCESS]}  # fmt: skip


async def test_the_boundary_is_encoded_twice_as_googles_own_libraries_do(liar: Liar):
    honest(liar)

    await desk(liar).mint()

    assert b"options=%257B%2522accessBoundary%2522" in liar.at(NARROW)[0].body


@pytest.mark.parametrize("scope", [f"{READ_ONLY} {AUTH}/cloud-platform", f"{AUTH}/cloud-platform"])
async def test_more_than_was_asked_is_not_narrowed_and_not_handed_over(liar: Liar, scope: str):
    honest(liar)
    liar.set(ABOUT, Says({"scope": scope}))
    made = desk(liar)
    order = made.order()

    minted = await made.provider.mint(order, made.root)

    assert calls.more(order, minted)
    assert token_of(minted).text() == WIDE
    assert liar.at(NARROW) == []


@pytest.mark.parametrize(
    "lie",
    [
        {"status": 403},
        {"status": 500},
        {"error": {"status": CANARY}},
        {"accessToken": f"two {CANARY}"},
        {"expireTime": None},
        {"expireTime": CANARY},
        {"expireTime": "2999-01-01T00:00:00Z"},
        {"expireTime": "2026-01-01T00:00:00"},
        {"expireTime": 7},
    ],
)
async def test_what_is_amiss_is_not_narrowed_and_not_handed_over(liar: Liar, lie: dict[str, Any]):
    honest(liar)
    liar.set(MAKE, gives(**lie))

    minted = await desk(liar).mint()

    assert minted.amiss
    assert CANARY not in minted.amiss
    assert liar.at(NARROW) == []


@pytest.mark.parametrize("about", [Says({"scope": None}), Says({"scope": ""}), Says({"scope": [READ_ONLY]}), Says(), Says({"scope": READ_ONLY}, 400),
                                   Says({"scope": READ_ONLY, "error": CANARY}), Says(status=503), Says(cut=True)])  # fmt: skip
async def test_a_token_that_google_does_not_tell_the_scopes_of_is_not_handed_over(liar: Liar, about: Says):
    honest(liar)
    liar.set(ABOUT, about)

    minted = await desk(liar).mint()

    assert "which scopes" in minted.amiss
    assert liar.at(NARROW) == []


@pytest.mark.parametrize(
    "lie",
    [
        {"status": 400},
        {"error": CANARY},
        {"token_type": "N_A"},
        {"token_type": None},
        {"access_token": f"two {CANARY}"},
        {"access_token": "x" * 5000},
        {"access_token": WIDE},
        {"issued_token_type": None},
        {"issued_token_type": "urn:ietf:params:oauth:token-type:jwt"},
    ],
)
async def test_a_boundary_that_google_does_not_show_to_be_there_is_not_handed_over(liar: Liar, lie: dict[str, Any]):
    honest(liar)
    liar.set(NARROW, narrows(**lie))

    minted = await desk(liar).mint()

    assert minted.amiss
    assert CANARY not in minted.amiss


@pytest.mark.parametrize(("expires_in", "over"), [(60, 60), (None, 300), (9000, 300)])
async def test_what_is_lent_is_over_with_whichever_of_the_two_tokens_is_first(liar: Liar, expires_in: int | None, over: int):
    honest(liar)
    liar.set(NARROW, narrows(expires_in=expires_in))

    left = (await desk(liar).mint()).expires_at - datetime.now(UTC)

    assert timedelta(seconds=over - 30) < left <= timedelta(seconds=over)


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        (no(403, "PERMISSION_DENIED"), Refused, "forbidden"),
        (no(200, "PERMISSION_DENIED"), Refused, "forbidden"),
        (no(400, "PERMISSION_DENIED"), Refused, "forbidden"),
        (no(403), Refused, "forbidden"),
        (no(404, "NOT_FOUND"), Refused, "no_such_account"),
        (no(400, "INVALID_ARGUMENT"), Refused, "not_granted"),
        (no(401, "UNAUTHENTICATED"), RootRefused, "root_refused"),
        (no(409), Refused, "said_no"),
        (Says({"error": CANARY}), Refused, "said_no"),
        (Says(b"", 302, {"Location": "/"}), Refused, "said_no"),
        (no(429, "RESOURCE_EXHAUSTED", Retry_After="7"), Unavailable, "busy"),
        (no(200, "RESOURCE_EXHAUSTED"), Unavailable, "busy"),
        (no(503, "UNAVAILABLE"), Unavailable, "busy"),
        (no(500, "PERMISSION_DENIED"), Unknown, "server_error"),
        (gives(accessToken=7), Unknown, "no_token"),
        (gives(accessToken=""), Unknown, "no_token"),
        (Says(b"[]"), Unknown, "no_token"),
        (Says(b"<html>" + CANARY.encode()), Unknown, "no_token"),
        (Says(cut=True), Unknown, "unreachable"),
        (Says(b"x" * 300_000), Unknown, "too_large"),
    ],
)
async def test_a_no_is_final_or_surely_nothing_or_not_known(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    honest(liar)
    liar.set(MAKE, says)

    await met(liar, kind, code)


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        (oauth_no(400, "invalid_grant"), RootRefused, "root_refused"),
        (oauth_no(200, "invalid_grant"), RootRefused, "root_refused"),
        (oauth_no(401), RootRefused, "root_refused"),
        (Says(b"", 302, {"Location": "/"}), RootRefused, "root_refused"),
        (oauth_no(429, Retry_After="7"), Unavailable, "busy"),
        (Says(status=500), Unavailable, "no_proof"),
        (Says({"access_token": CANARY}, 500), Unavailable, "no_proof"),
        (Says({"access_token": f"two {CANARY}", "token_type": "Bearer"}), Unavailable, "no_proof"),
        (Says(b"[]"), Unavailable, "no_proof"),
        (Says(cut=True), Unavailable, "unreachable"),
    ],
)
async def test_where_the_key_is_not_taken_surely_nothing_was_made(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    honest(liar)
    liar.set(OWN, says)

    await met(liar, kind, code)

    assert liar.at(MAKE) == []


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        (oauth_no(400, "invalid_request"), Refused, "no_boundary"),
        (oauth_no(200, "invalid_grant"), Refused, "no_boundary"),
        (Says(b"", 302, {"Location": "/"}), Refused, "no_boundary"),
        (oauth_no(429, Retry_After="7"), Unavailable, "busy"),
        (Says(status=500), Unknown, "server_error"),
        (narrows(access_token=7), Unknown, "no_token"),
        (Says(cut=True), Unknown, "unreachable"),
    ],
)
async def test_where_the_boundary_is_not_taken_nothing_is_lent(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    honest(liar)
    liar.set(NARROW, says)

    await met(liar, kind, code)


async def test_who_is_asked_to_keep_still_keeps_still(liar: Liar):
    honest(liar)
    liar.set(MAKE, no(429, Retry_After="7"), gives())
    made = desk(liar)
    with pytest.raises(Unavailable) as first:
        await made.mint()

    with pytest.raises(Unavailable) as second:
        await made.mint()

    assert (first.value.retry_after, second.value.code, len(liar.at(MAKE))) == (timedelta(seconds=7), "busy", 1)


async def test_an_own_token_that_is_not_taken_is_asked_for_anew_once_and_no_more(liar: Liar):
    honest(liar)
    liar.set(MAKE, no(401, "UNAUTHENTICATED"))

    await met(liar, RootRefused, "root_refused")

    assert (len(liar.at(OWN)), len(liar.at(MAKE))) == (2, 2)


async def test_an_own_token_that_is_all_but_over_is_asked_for_anew(liar: Liar):
    honest(liar)
    liar.set(OWN, liar.gives(expires_in=100))
    made = desk(liar)

    await made.mint()
    await made.mint()

    assert len(liar.at(OWN)) == 2


async def met(liar: Liar, kind: type[ProviderError], code: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await desk(liar).mint()
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert CANARY not in told(caught.value)
    assert "PRIVATE KEY" not in told(caught.value)
