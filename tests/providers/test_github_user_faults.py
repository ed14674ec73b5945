"""What every fault of GitHub becomes where it lends for its users, against a server that answers as it is told; and that its words go nowhere."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers.consenting import NeedsConsent, Returned
from services.providers.seam import ProviderError, Refused, RootRefused, Unavailable, Unknown
from tests.providers.desk import CANARY, told
from tests.providers.github_liar import said
from tests.providers.github_user_liar import GRANT, LOGIN, REFRESH, SCOPED, TOKEN, USER, again, desk, gives, kept, logs_in
from tests.providers.liar import Liar, Says

HTML = Says(f"<h1>{CANARY}</h1>".encode(), kind="text/html")


def quotes_nothing(error: BaseException) -> None:
    assert CANARY not in told(error)


def error(code: str, status: int = 200) -> Says:
    return Says({"error": code, "error_description": CANARY, "error_uri": CANARY}, status)


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        (said(403), Refused, "forbidden"),
        (said(422), Refused, "not_granted"),
        (said(400), Refused, "said_no"),
        (said(301, Location=f"https://{CANARY}.example/"), Refused, "said_no"),
        (said(429), Unavailable, "rate_limited"),
        (said(403, Retry_After="7"), Unavailable, "rate_limited"),
        (said(403, X_RateLimit_Remaining="0"), Unavailable, "rate_limited"),
        (said(503, Retry_After="7"), Unavailable, "busy"),
        (said(500), Unknown, "no_token"),
        (HTML, Unknown, "no_token"),
        (error("server_error"), Unknown, "no_token"),
        (Says([CANARY]), Unknown, "no_token"),
        (gives(token=None), Unknown, "no_token"),
        (gives(token=7), Unknown, "no_token"),
        (Says(cut=True), Unknown, "unreachable"),
        (Says(CANARY.encode(), 200, {"Content-Encoding": "gzip"}), Unknown, "encoded"),
    ],
)
async def test_a_no_to_a_credential_is_final_or_surely_nothing_or_not_known(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    liar.set(SCOPED, says)
    with pytest.raises(ProviderError) as caught:
        await again(desk(liar))

    assert (type(caught.value), caught.value.code) == (kind, code)
    quotes_nothing(caught.value)
    assert len(liar.asked) == 1


@pytest.mark.parametrize("status", [401, 404])
@pytest.mark.parametrize(
    ("check", "becomes"),
    [
        (said(404), None),
        (gives(), (Refused, "not_granted")),
        (said(401), (RootRefused, "app_refused")),
        (said(403), (Unavailable, "not_proven")),
        (said(500), (Unavailable, "not_proven")),
        (Says(cut=True), (Unavailable, "unreachable")),
    ],
)
async def test_whether_the_kept_token_is_dead_or_the_wish_no_good_is_asked(liar: Liar, status: int, check: Says, becomes: Any):
    """A refresh for a wish that is no good would end what others were lent."""
    liar.set(SCOPED, said(status))
    liar.set(TOKEN, check)
    if becomes is None:
        assert await again(desk(liar)) is None
        return
    with pytest.raises(ProviderError) as caught:
        await again(desk(liar))

    assert (type(caught.value), caught.value.code) == becomes
    quotes_nothing(caught.value)


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        (error("bad_refresh_token"), NeedsConsent, "bad_refresh_token"),
        (error("bad_refresh_token", 400), NeedsConsent, "bad_refresh_token"),
        (error("incorrect_client_credentials"), RootRefused, "app_refused"),
        (error("unsupported_grant_type"), Refused, "said_no"),
        (error(CANARY), Refused, "said_no"),
        (error("slow_down"), Unavailable, "slow_down"),
        (error("bad_refresh_token", 500), Unknown, "no_token"),
        (Says({"error": None, "refresh_token": CANARY}), Unknown, "no_token"),
        (HTML, Unknown, "no_token"),
        (Says(f"access_token={CANARY}&token_type=bearer".encode(), kind="application/x-www-form-urlencoded"), Unknown, "no_token"),
        (said(404), Refused, "said_no"),
        (said(302, Location=f"https://{CANARY}.example/"), Refused, "said_no"),
        (said(429, Retry_After="7"), Unavailable, "rate_limited"),
        (said(403, Retry_After="7"), Unavailable, "rate_limited"),
        (said(503, Retry_After="7"), Unavailable, "busy"),
        (said(502), Unknown, "no_token"),
        (Says(cut=True), Unknown, "unreachable"),
        (logs_in(refresh_token=None), NeedsConsent, "no_refresh_token"),
    ],
)
async def test_a_no_to_a_refresh_says_whether_the_grant_is_over(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    """Only NeedsConsent ends it, and only Unknown doubts it: the body is read before the status is believed."""
    liar.set(LOGIN, says)
    made = desk(liar)
    provider: Any = made.provider
    with pytest.raises(ProviderError) as caught:
        await provider.lend(made.order(), REFRESH, made.root)

    assert (type(caught.value), caught.value.code) == (kind, code)
    quotes_nothing(caught.value)
    assert len(liar.at(LOGIN)) == 1


@pytest.mark.parametrize("lie", [{"token_type": "mac"}, {"error": CANARY}, {"expires_in": None}, {"expires_in": 0}, {"status": 500}])
async def test_what_came_of_a_refresh_is_kept_though_nothing_can_be_made_of_it(liar: Liar, lie: dict[str, Any]):
    """The one before is dead."""
    liar.set(LOGIN, logs_in(**lie))
    made = desk(liar)
    provider: Any = made.provider

    lent = await provider.lend(made.order(), REFRESH, made.root)

    assert (lent.minted, lent.refresh.text(), lent.kept) == (None, f"ghr_2_{CANARY}", None)
    quotes_nothing(RuntimeError(repr(lent)))


async def test_nothing_is_made_of_a_refresh_before_it_is_kept(liar: Liar):
    liar.set(LOGIN, logs_in(expires_in=10**9))
    made = desk(liar)
    provider: Any = made.provider

    lent = await provider.lend(made.order(), REFRESH, made.root)

    assert [one.path for one in liar.asked] == [LOGIN]
    assert lent.kept.until <= datetime.now(UTC) + timedelta(hours=8)
    assert liar.asked[0].headers["accept"] == "application/json"
    assert liar.asked[0].form == {
        "client_id": ["Iv1.abc"], "client_secret": [f"secret_{CANARY}"], "grant_type": ["refresh_token"], "refresh_token": [f"ghr_{CANARY}"],
    }  # fmt: skip


@pytest.mark.parametrize("where", [SCOPED, LOGIN])
async def test_a_limit_is_kept_for_as_long_as_it_says(liar: Liar, where: str):
    liar.set(where, said(403, Retry_After="7"))
    made = desk(liar)
    provider: Any = made.provider

    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            await (provider.again(made.order(), kept(), made.root) if where == SCOPED else provider.lend(made.order(), REFRESH, made.root))

    assert caught.value.retry_after is not None
    assert caught.value.retry_after <= timedelta(seconds=7)
    assert len(liar.asked) == 1


def returned() -> Returned:
    return Returned(Secret(f"code_{CANARY}"), Secret(f"verifier_{CANARY}"), "https://us.example/consent/back", frozenset({"contents:read"}))


async def redeemed(liar: Liar, says: Says) -> Any:
    liar.set(LOGIN, says)
    liar.set(TOKEN, Says(status=204), said(404))
    made = desk(liar)
    provider: Any = made.provider
    return await provider.redeem(returned(), made.config, made.root)


async def test_a_code_is_exchanged_with_its_proof_and_only_the_refresh_token_is_kept(liar: Liar):
    found = await redeemed(liar, logs_in())

    assert (found.refresh.text(), found.scopes, found.amiss) == (f"ghr_2_{CANARY}", frozenset({"contents:read"}), "")
    assert CANARY not in repr(found)
    assert {name: value for name, (value,) in liar.asked[0].form.items() if name != "client_secret"} == {
        "client_id": "Iv1.abc", "code": f"code_{CANARY}", "code_verifier": f"verifier_{CANARY}", "redirect_uri": "https://us.example/consent/back",
    }  # fmt: skip


@pytest.mark.parametrize("lie", [{"scope": "repo"}, {"token_type": "mac"}, {"expires_in": None}, {"error": CANARY}, {"status": 500}])
async def test_what_is_amiss_is_not_kept_and_its_token_is_ended(liar: Liar, lie: dict[str, Any]):
    found = await redeemed(liar, logs_in(**lie))

    assert found.amiss
    assert CANARY not in found.amiss
    assert [one.path for one in liar.asked] == [LOGIN, TOKEN, TOKEN]


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        (logs_in(refresh_token=None), Refused, "no_refresh_token"),
        (error("bad_verification_code"), Refused, "bad_verification_code"),
        (error("redirect_uri_mismatch"), Refused, "redirect_uri_mismatch"),
        (HTML, Unknown, "no_token"),
        (Says(cut=True), Unknown, "unreachable"),
    ],
)
async def test_a_code_that_gave_nothing_says_why(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    with pytest.raises(ProviderError) as caught:
        await redeemed(liar, says)

    assert (type(caught.value), caught.value.code) == (kind, code)
    quotes_nothing(caught.value)


@pytest.mark.parametrize(
    ("grant", "login", "code"),
    [
        (said(500), None, "grant_not_ended"),
        (said(401), None, "grant_not_ended"),
        (said(429), None, "grant_not_ended"),
        (Says(cut=True), None, "unreachable"),
        (said(422), error("incorrect_client_credentials"), "app_refused"),
        (said(404), HTML, "no_token"),
        (said(404), logs_in(), "grant_not_ended"),
    ],
)
async def test_a_grant_is_not_over_before_github_says_so(liar: Liar, grant: Says, login: Says | None, code: str):
    liar.set(GRANT, grant)
    if login:
        liar.set(LOGIN, login)
    made = desk(liar)
    provider: Any = made.provider
    with pytest.raises(ProviderError) as caught:
        await provider.leave_with(REFRESH, kept(), made.config, made.root)

    assert caught.value.code == code
    assert not isinstance(caught.value, Refused)  # it is tried again
    quotes_nothing(caught.value)


@pytest.mark.parametrize(
    ("user", "good"), [(Says({"login": "octocat"}), True), (said(401), False), (said(403), None), (said(500), None), (HTML, None)]
)
async def test_whether_a_refresh_was_done_is_told_by_what_was_kept_before_it(liar: Liar, user: Says, good: bool | None):
    """By what it opens: to an app whose secret is wrong every token looks dead, and that would end the grant."""
    liar.set(USER, user)
    made = desk(liar)
    provider: Any = made.provider

    assert await provider.good_with(kept(), made.config, made.root) is good
    assert await provider.good(REFRESH, made.config, made.root) is None
    assert [one.path for one in liar.asked] == [USER]


async def test_what_a_refresh_gave_and_is_dead_at_once_is_not_refreshed_again(liar: Liar):
    liar.set(SCOPED, said(404))
    liar.set(TOKEN, said(404))
    made = desk(liar)
    provider: Any = made.provider

    with pytest.raises(Unavailable, match="not_there"):
        await provider.make(made.order(), kept(), made.root)
