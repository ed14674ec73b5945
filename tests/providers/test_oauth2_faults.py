"""OAuth 2.0 against a server that lies, hangs and breaks off: what each answer becomes, and that no token is forgotten."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from counterfoil.wire.secret import Secret
from services.providers.calls import more
from services.providers.seam import Handle, Irrevocable, Minted, ProviderError, Refused, RootRefused, Unavailable, Unknown, token_of
from tests.providers.desk import CANARY, told
from tests.providers.liar import Liar, Says, lying

PAGE = b"<html>canary-7f3c1b</html>"
HUGE = b'{"access_token": "' + b"x" * 300_000 + b'"}'


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    async with lying() as made:
        yield made


async def fault(liar: Liar, kind: type[ProviderError], **changes: Any) -> str:
    with pytest.raises(ProviderError) as caught:
        await liar.desk().mint(**changes)
    assert type(caught.value) is kind
    assert CANARY not in told(caught.value)
    assert "s3cret" not in told(caught.value)
    return caught.value.code


def soon(seconds: float = 1.5) -> dict[str, Any]:
    return {"window_closes_at": datetime.now(UTC) + timedelta(seconds=seconds)}


async def test_what_an_honest_server_gives_is_lent(liar: Liar):
    minted = await liar.desk().mint()

    assert token_of(minted) == Secret(CANARY)
    assert (minted.token_type, minted.amiss, sorted(minted.granted_scopes)) == ("Bearer", "", ["read", "write"])
    assert CANARY not in repr(minted)
    (asked,) = liar.at("/token")
    assert (asked.form["grant_type"], asked.form["scope"]) == (["client_credentials"], ["read write"])


SAYS_NO = [
    (Says({"error": "invalid_client", "error_description": CANARY}, 401), RootRefused, "invalid_client"),
    (Says({"error": "invalid_scope", "error_description": CANARY}, 400), Refused, "invalid_scope"),
    (Says({"error": "scope_invalid"}, 400), Refused, "scope_invalid"),
    (Says({"error": CANARY}, 400), Refused, "said_no"),
    (Says({"error": CANARY}, 200), Refused, "said_no"),
    (Says({"error": "invalid_client"}, 200), RootRefused, "invalid_client"),
    (Says({"error": {"nested": CANARY}}, 422), Refused, "said_no"),
    (Says(b"", 403), Refused, "said_no"),
    (Says(PAGE, 404, kind="text/html"), Refused, "said_no"),
    (Says(b"", 302, {"Location": f"/{CANARY}"}), Refused, "said_no"),
    (Says({"error": CANARY}, 429), Unavailable, "busy"),
    (Says({"error": "invalid_client"}, 429), Unavailable, "busy"),
    (Says(PAGE, 503, kind="text/html"), Unavailable, "busy"),
    (Says({"error": "temporarily_unavailable"}, 400), Unavailable, "temporarily_unavailable"),
    (Says({"error": "invalid_client", "error_description": CANARY}, 500), Unknown, "server_error"),
    (Says(PAGE, 502, kind="text/html"), Unknown, "server_error"),
    (Says(PAGE, kind="text/html"), Unknown, "no_token"),
    (Says({"token": CANARY}), Unknown, "no_token"),
    (Says({"access_token": {"value": CANARY}}), Unknown, "no_token"),
    (Says(b'{"access_token": "a", "access_token": "canary-7f3c1b"}'), Unknown, "no_token"),
    (Says(b'["canary-7f3c1b"]'), Unknown, "no_token"),
    (Says(HUGE), Unknown, "too_large"),
    (Says(b"{}", headers={"Content-Encoding": "gzip"}), Unknown, "encoded"),
    (Says(b"{", headers={"Content-Length": "9"}), Unknown, "unreachable"),
    (Says(cut=True), Unknown, "unreachable"),
]


@pytest.mark.parametrize(("says", "kind", "code"), SAYS_NO)
async def test_what_a_no_or_no_answer_means(liar: Liar, says: Says, kind: type[ProviderError], code: str):
    liar.set("/token", says)

    assert await fault(liar, kind) == code
    assert len(liar.at("/token")) == 1  # never blindly again


async def test_a_server_that_is_slow_is_given_up_before_the_window_closes(liar: Liar):
    liar.set("/token", Says(liar.gives().body, pause=4))

    assert await fault(liar, Unknown, **soon()) == "timeout"


async def test_a_server_that_is_away_surely_minted_nothing(liar: Liar):
    with pytest.raises(Unavailable):
        await liar.desk(issuer="http://127.0.0.1:1").mint()


AMISS = [
    ({"scope": None}, "does not say which scopes"),
    ({"scope": 7}, "does not say which scopes"),
    ({"scope": ""}, "none of the scopes"),
    ({"token_type": "mac"}, "no bearer token"),
    ({"token_type": None}, "no bearer token"),
    ({"error": "invalid_scope"}, "said no beside it"),
    ({"access_token": "can\nary"}, "no bearer token"),
    ({"expires_in": None}, "how long"),
    ({"expires_in": 0}, "how long"),
    ({"expires_in": True}, "how long"),
    ({"expires_in": "soon"}, "how long"),
    ({"expires_in": 86_401}, "longer than a day"),
]


@pytest.mark.parametrize(("changes", "why"), AMISS)
async def test_a_token_that_may_not_be_handed_over_is_not_forgotten_either(liar: Liar, changes: dict[str, Any], why: str):
    liar.set("/token", liar.gives(**changes))

    minted = await liar.desk().mint()

    assert why in minted.amiss
    assert token_of(minted).reveal()  # what its end needs
    assert not more(liar.desk().order(), minted)


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
async def test_a_token_beside_a_bad_status_is_a_token_all_the_same(liar: Liar, status: int):
    liar.set("/token", Says(liar.gives().body, status))

    assert (await liar.desk().mint()).amiss


async def test_a_token_that_is_amiss_in_itself_is_not_asked_after(liar: Liar):
    liar.set("/token", liar.gives(token_type="mac", scope=None))

    await liar.desk().mint()

    assert liar.at("/introspect") == []


async def test_more_scopes_than_asked_are_seen_by_whoever_ends_them(liar: Liar):
    liar.set("/token", liar.gives(scope="read write admin"))
    order = liar.desk().order()

    minted = await liar.desk().provider.mint(order, liar.desk().root)

    assert more(order, minted)


async def test_fewer_scopes_than_asked_are_written_down(liar: Liar):
    liar.set("/token", liar.gives(scope="read"))

    minted = await liar.desk().mint()

    assert (sorted(minted.granted_scopes), minted.amiss) == (["read"], "")


PROVEN = [
    ({"active": True, "scope": "read"}, {"read"}, ""),
    ({"active": True, "scope": "read admin"}, {"read", "admin"}, ""),
    ({"active": True}, set(), "which scopes"),
    ({"active": False, "scope": "read"}, set(), "which scopes"),
    ({"active": "true", "scope": "read"}, set(), "which scopes"),
    ({"scope": "read"}, set(), "which scopes"),
    ({"active": True, "error": "x", "scope": "read"}, set(), "which scopes"),
]


@pytest.mark.parametrize(("body", "scopes", "why"), PROVEN)
async def test_a_scope_that_is_left_out_is_asked_for_by_introspection(liar: Liar, body: dict[str, Any], scopes: set[str], why: str):
    liar.set("/token", liar.gives(scope=None))
    liar.set("/introspect", Says(body))

    minted = await liar.desk().mint()

    assert minted.granted_scopes == scopes
    assert why in minted.amiss
    assert bool(why) == bool(minted.amiss)
    assert liar.at("/introspect")[0].form["token"] == [CANARY]


@pytest.mark.parametrize(
    "says",
    [Says(status=401), Says(PAGE), Says(cut=True), Says({"active": True, "scope": "read"}, 500), Says({"active": True, "scope": "read"}, pause=4)],
)
async def test_introspection_that_fails_proves_nothing_and_loses_no_token(liar: Liar, says: Says):
    liar.set("/token", liar.gives(scope=None))
    liar.set("/introspect", says)

    minted = await liar.desk().mint(**soon())

    assert "which scopes" in minted.amiss
    assert token_of(minted) == Secret(CANARY)


async def test_where_introspection_is_switched_off_it_is_not_asked(liar: Liar):
    liar.set("/token", liar.gives(scope=None))
    liar.set("/introspect", Says({"active": True, "scope": "read"}))

    assert (await liar.desk(introspect=False).mint()).amiss
    assert liar.at("/introspect") == []


async def test_the_time_is_the_lesser_of_lent_and_the_servers(liar: Liar):
    liar.set("/token", liar.gives(expires_in="60"))
    before = datetime.now(UTC)
    order = liar.desk().order(expires_at=before + timedelta(seconds=300))
    assert timedelta(seconds=55) < (await liar.desk().provider.mint(order, liar.desk().root)).expires_at - before < timedelta(seconds=65)

    liar.set("/token", liar.gives(expires_in=900))
    minted = await liar.desk().provider.mint(order, liar.desk().root)
    assert minted.expires_at == order.expires_at
    assert datetime.fromisoformat(str(minted.handle["until"])) > before + timedelta(seconds=900)


async def test_how_long_it_lives_is_asked_for_by_introspection_too(liar: Liar):
    liar.set("/token", liar.gives(expires_in=None))
    liar.set("/introspect", Says({"active": True, "exp": int(datetime.now(UTC).timestamp()) + 30}))

    minted = await liar.desk().mint()

    assert minted.amiss == ""
    assert minted.granted_scopes == {"read", "write"}
    assert minted.expires_at < datetime.now(UTC) + timedelta(seconds=31)


async def test_a_resource_of_the_request_is_sent_and_must_be_proven(liar: Liar):
    wish = {"details": ({"type": "oauth2", "resource": "https://api.example"},)}
    liar.set("/introspect", Says({"active": True, "aud": "https://api.example"}))
    minted = await liar.desk(resource="https://else.example").mint(**wish)
    assert minted.amiss == ""
    assert minted.granted_details == wish["details"]
    assert liar.at("/token")[0].form["resource"] == ["https://api.example"]

    for aud in (None, [], ["https://api.example", "https://other.example"], "https://other.example"):
        liar.set("/introspect", Says({"active": True, "aud": aud}))
        assert "resource" in (await liar.desk().mint(**wish)).amiss


async def test_the_operators_own_resource_and_audience_are_how_the_server_wants_to_be_asked(liar: Liar):
    minted = await liar.desk(resource="https://api.example", audience="api").mint()

    assert minted.amiss == ""
    form = liar.at("/token")[0].form
    assert (form["resource"], form["audience"]) == (["https://api.example"], ["api"])


async def test_who_names_no_scope_or_an_odd_one_is_refused_before_anything_is_sent(liar: Liar):
    for scopes in (frozenset[str](), frozenset({"a b"}), frozenset({'"'}), frozenset({""}), frozenset({"é"})):
        await fault(liar, Refused, scopes=scopes)
    assert liar.asked == []


async def test_a_server_that_asks_for_patience_is_left_alone_and_says_for_how_long(liar: Liar):
    liar.set("/token", Says(status=429, headers={"Retry-After": "30"}), liar.gives())
    desk = liar.desk()
    for seconds in (30, 29):
        with pytest.raises(Unavailable) as caught:
            await desk.mint()
        assert caught.value.retry_after is not None
        assert caught.value.retry_after > timedelta(seconds=seconds - 1)
    assert len(liar.at("/token")) == 1


async def lent(liar: Liar) -> Minted:
    return await liar.desk().mint()


async def revoked(liar: Liar, **config: Any) -> None:
    minted = await lent(liar)
    desk = liar.desk(**config)
    await desk.provider.revoke(minted.handle, desk.config, desk.root, token_of(minted))


async def test_what_is_revoked_is_read_back(liar: Liar):
    await revoked(liar)

    for path in ("/revoke", "/introspect"):
        (asked,) = liar.at(path)
        assert (asked.form["token"], asked.form["token_type_hint"]) == ([CANARY], ["access_token"])


REVOKES = [
    (Says(status=503, headers={"Retry-After": "7"}), Says({"active": False}), Unavailable, "busy"),
    (Says(status=429), Says({"active": False}), Unavailable, "busy"),
    (Says({"error": "unsupported_token_type"}, 400), Says({"active": False}), Irrevocable, "unsupported_token_type"),
    (Says({"error": "unsupported_token_type"}, 200), Says({"active": False}), Irrevocable, "unsupported_token_type"),
    (Says({"error": CANARY}, 400), Says({"active": False}), Unavailable, "not_revoked"),
    (Says({"error": CANARY}, 200), Says({"active": False}), Unavailable, "not_revoked"),
    (Says(status=401), Says({"active": False}), Unavailable, "not_revoked"),
    (Says(status=302, headers={"Location": "/"}), Says({"active": False}), Unavailable, "not_revoked"),
    (Says(status=500), Says({"active": False}), Unavailable, "not_revoked"),
    (Says(cut=True), Says({"active": False}), Unavailable, "unreachable"),
    (Says(), Says({"active": True}), Unavailable, "still_active"),
    (Says(), Says({"active": "false"}), Unavailable, "not_proven"),
    (Says(), Says(PAGE), Unavailable, "not_proven"),
    (Says(), Says({"active": False}, 401), Unavailable, "not_proven"),
    (Says(), Says(cut=True), Unavailable, "unreachable"),
]


@pytest.mark.parametrize(("revoke", "introspect", "kind", "code"), REVOKES)
async def test_only_a_yes_that_is_proven_is_an_end(liar: Liar, revoke: Says, introspect: Says, kind: type[ProviderError], code: str):
    liar.set("/revoke", revoke)
    liar.set("/introspect", introspect)

    with pytest.raises(ProviderError) as caught:
        await revoked(liar)

    assert (type(caught.value), caught.value.code) == (kind, code)
    assert CANARY not in told(caught.value)
    assert caught.value.retry_after == (timedelta(seconds=7) if "Retry-After" in revoke.headers and revoke.status == 503 else None)


async def test_what_cannot_be_revoked_is_uncertain_until_the_servers_own_time_is_up(liar: Liar):
    liar.set("/revoke", Says({"error": "unsupported_token_type"}, 400))
    minted, desk = await lent(liar), liar.desk()

    with pytest.raises(Irrevocable) as caught:
        await desk.provider.revoke(minted.handle, desk.config, desk.root, token_of(minted))

    assert caught.value.until == datetime.fromisoformat(str(minted.handle["until"]))
    assert caught.value.until > datetime.now(UTC) + timedelta(seconds=599)


async def test_what_is_over_by_the_servers_own_time_is_dead_without_a_word(liar: Liar):
    desk = liar.desk()
    past: Handle = {"issuer": liar.url, "until": (datetime.now(UTC) - timedelta(seconds=1)).isoformat()}

    await desk.provider.revoke(past, desk.config, desk.root, Secret(CANARY))

    assert liar.asked == []


async def test_a_token_of_one_server_is_never_shown_to_another(liar: Liar):
    minted = await lent(liar)
    async with lying() as other:
        desk = other.desk()
        with pytest.raises(Refused, match="issuer_changed"):
            await desk.provider.revoke(minted.handle, desk.config, desk.root, token_of(minted))
    assert other.asked == []


async def test_where_nothing_can_be_revoked_nothing_is_minted(liar: Liar):
    liar.set("/.well-known/oauth-authorization-server", Says(liar.metadata(revocation_endpoint=None)))

    assert await fault(liar, Refused) == "no_revocation"
    assert liar.at("/token") == []
