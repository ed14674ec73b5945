"""get_token, explain and subjects of an open client: what one key of the cache is, whose token is sent, what is evicted."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from counterfoil import App, Client, CounterfoilError, Explanation, RateLimited, Rejected, Unavailable, User
from counterfoil.wire.armor import to_url
from tests.client.gateway import Gateway, form, problem


@pytest.fixture
def gateway() -> Gateway:
    made = Gateway()
    made.answers = [made.lend_bearer]
    return made


async def test_equal_wishes_are_one_whatever_their_order(gateway: Gateway):
    details: list[dict[str, Any]] = [{"type": "a", "b": [1, 2]}, {"type": "c"}]
    async with gateway.client() as cf:
        await cf.get_token("github/acme", ["issues:read", "contents:read"], details, "5m")
        await cf.get_token("github/acme", ("contents:read", "issues:read", "issues:read"), details[::-1], 300)
        await cf.get_token("github/acme", {"issues:read", "contents:read"}, [{"b": [1, 2], "type": "a"}, {"type": "c"}], 300, subject=App())

    assert len(gateway.asked) == 1


@pytest.mark.parametrize(
    "other",
    [{"scopes": ["b"]}, {"scopes": ()}, {"details": [{"type": "a", "b": [2, 1]}]}, {"lifetime": 61}, {"lifetime": None}, {"installation": "acme"}],
)
async def test_another_wish_is_another_exchange(gateway: Gateway, other: dict[str, Any]):
    wish: dict[str, Any] = {"scopes": ["a"], "details": [{"type": "a", "b": [1, 2]}], "lifetime": 60}
    async with gateway.client() as cf:
        await cf.get_token("github/acme", **wish)
        await cf.get_token("github/acme", **wish | other)

    assert len(gateway.asked) == 2


async def test_what_a_caller_changes_afterwards_is_not_asked_for(gateway: Gateway):
    detail: dict[str, Any] = {"type": "a", "repositories": ["one"]}
    async with gateway.client() as cf:
        waiting = asyncio.create_task(cf.get_token("github/acme", details=[detail]))
        await asyncio.sleep(0)
        detail["repositories"].append("two")
        await waiting

    assert json.loads(form(gateway.asked[0])["authorization_details"]) == [{"type": "a", "repositories": ["one"]}]


async def test_a_token_that_was_given_is_a_caller_of_its_own(gateway: Gateway):
    given = iter(["a.b.c", "d.e.f", "a.b.c"])
    async with gateway.client(token=lambda: next(given)) as cf:
        found = [(await cf.get_token("github/acme")).reveal() for _ in range(3)]

    assert found == ["canary-1", "canary-2", "canary-1"]
    assert [form(one)["subject_token"] for one in gateway.asked] == ["a.b.c", "d.e.f"]


async def test_a_token_with_the_same_claims_is_nobody_until_it_was_verified(gateway: Gateway):
    payload = to_url(b'{"iss":"https://issuer.example","sub":"someone"}').decode()
    given = iter([f"e30.{payload}.good", f"e30.{payload}.forged"])
    async with gateway.client(token=lambda: next(given)) as cf:
        await cf.get_token("github/acme")
        gateway.answers = [problem(400, "bad_signature")]
        with pytest.raises(Rejected):
            await cf.get_token("github/acme")


async def test_the_environments_identity_is_one_however_often_its_token_is_renewed(gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "token"
    monkeypatch.setenv("COUNTERFOIL_ID_TOKEN_FILE", str(file))
    async with gateway.client(token=None) as cf:
        for text in ("a.b.c", "d.e.f"):
            file.write_text(text)
            credential = await cf.get_token("github/acme")
        assert len(gateway.asked) == 1
        await cf.get_token("github/acme", instead_of=credential)

    assert [form(one)["subject_token"] for one in gateway.asked] == ["a.b.c", "d.e.f"]


async def test_the_cache_holds_no_token_of_the_caller(gateway: Gateway):
    async with gateway.client(token="a.secret.token") as cf:
        await cf.get_token("github/acme")
        assert cf._opened is not None
        keys = list(cf._opened.wallet._slots._entries)

    assert len(keys) == 1
    assert "secret" not in repr(keys)


async def test_what_is_revoked_is_not_given_out_again(gateway: Gateway):
    async with gateway.client() as cf:
        credential = await cf.get_token("github/acme")
        gateway.answers = [lambda _: httpx.Response(200, json={"accepted": "now"}), gateway.lend_bearer]
        gateway.asked.clear()
        await cf.revoke(credential)
        assert (await cf.get_token("github/acme")).reveal() == "canary-2"


async def test_exchanges_are_the_callers_own_and_never_the_caches(gateway: Gateway):
    async with gateway.client() as cf:
        found = [(await call("github/acme")).reveal() for call in (cf.exchange, cf.get_token, cf.exchange, cf.get_token)]

    assert found == ["canary-1", "canary-2", "canary-3", "canary-2"]


async def test_an_installation_is_asked_for_by_name(gateway: Gateway):
    async with gateway.client() as cf:
        await cf.exchange("github/acme", installation="acme-eu")

    assert form(gateway.asked[0])["installation"] == "acme-eu"


@pytest.mark.parametrize("method", ["get_token", "exchange", "explain"])
async def test_a_subject_is_an_app_or_a_user_and_nothing_else(gateway: Gateway, method: str):
    async with gateway.client() as cf:
        with pytest.raises(TypeError, match="App"):
            await getattr(cf, method)("github/acme", subject="u-1")
    for wrong in ("", "u" * 257):
        with pytest.raises(ValueError, match="256"):
            User(wrong)

    assert gateway.asked == []


async def test_a_users_credential_is_asked_for_by_their_id_and_is_no_others(gateway: Gateway):
    async with gateway.client() as cf:
        subjects = (App(), User("u-1"), User("u-2"), User("u-1", "https://issuer.example"), User("u-1"))
        found = [(await cf.get_token("github/acme", subject=one)).reveal() for one in subjects]

    assert found == ["canary-1", "canary-2", "canary-3", "canary-4", "canary-2"]
    asked = [(form(one).get("requested_subject"), form(one).get("requested_subject_issuer")) for one in gateway.asked]
    assert asked == [(None, None), ("u-1", None), ("u-2", None), ("u-1", "https://issuer.example")]


async def test_explain_says_what_would_come_of_it(gateway: Gateway):
    said = {"granted": False, "code": "beyond_ceiling", "message": "no", "rule": "web->github", "beyond": ["issues:write"], "nearest": {"scopes": []},
            "details": None, "lifetime": None, "newer": 1}  # fmt: skip
    gateway.answers = [lambda _: httpx.ReadError("gone"), lambda _: httpx.Response(200, json=said)]
    async with gateway.client() as cf:
        found = await cf.explain("github/acme", ["issues:write"], lifetime="5m")

    assert found == Explanation(granted=False, code="beyond_ceiling", message="no", fix="", rule="web->github", beyond=("issues:write",),
                                beyond_details=(), beyond_lifetime=None, nearest={"scopes": []}, scopes=(), details=(), lifetime=None)  # fmt: skip
    (sent,) = {one.content for one in gateway.at("/v1/explain")}
    assert json.loads(sent) == {"connector": "github/acme", "scopes": ["issues:write"], "lifetime": 300}
    assert gateway.asked[0].headers["authorization"] == "Bearer an.id.token"


@pytest.mark.parametrize("said", [{}, {"granted": "yes"}, [], None])
async def test_an_explanation_that_is_none_is_no_yes(gateway: Gateway, said: object):
    gateway.answers = [lambda _: httpx.Response(200, json=said)]
    async with gateway.client() as cf:
        with pytest.raises(CounterfoilError, match="bad_answer"):
            await cf.explain("github/acme")


@pytest.mark.parametrize(
    ("code", "claims", "said"),
    [
        ("wrong_audience", {"aud": "sts.amazonaws.com"}, "aud is `sts.amazonaws.com`, this exchange expects `http://gateway`. do"),
        ("wrong_audience", {"aud": ["a", "b"]}, "aud is `a` and `b`, this exchange"),
        ("unknown_issuer", {"iss": "https://issuer.example"}, "iss is `https://issuer.example`. do"),
        ("expired", {"exp": 1795521600}, "the token ended at 2026-11-24T12:00:00+00:00. do"),
        ("not_yet_valid", {"nbf": 1795521600}, "the token begins at 2026-11-24T12:00:00+00:00. do"),
        ("wrong_audience", {}, "do"),
        ("expired", {"exp": "soon"}, "do"),
        ("expired", {"exp": 1e300}, "do"),
        ("bad_signature", {"aud": "a"}, "do"),
    ],
)
async def test_a_rejection_says_what_the_token_says(gateway: Gateway, code: str, claims: dict[str, Any], said: str):
    token = f"e30.{to_url(json.dumps(claims).encode()).decode()}.canary"
    gateway.answers = [problem(400, code, fix="do this", retryable=False)]
    async with gateway.client(token=token) as cf:
        with pytest.raises(Rejected) as raised:
            await cf.exchange("github/acme")

    assert raised.value.fix.startswith(said)
    assert "canary" not in raised.value.fix


async def test_a_token_that_does_not_come_is_late(gateway: Gateway):
    async def never() -> str:
        await asyncio.sleep(60)
        raise AssertionError

    async with gateway.client(token=never, timeout=0.2, sampled=False) as cf:
        for call in (cf.get_token, cf.exchange, cf.explain, cf.revoke):
            with pytest.raises(Unavailable, match="no identity token"):
                await call("github/acme")

    assert gateway.asked == []


async def test_a_limit_says_when_there_is_room_again(gateway: Gateway):
    gateway.answers = [problem(429, "limited", retryable=True, retry_after=42)]
    async with gateway.client() as cf:
        with pytest.raises(RateLimited) as raised:
            await cf.get_token("github/acme")

    assert raised.value.retry_after == 42
    assert len(gateway.asked) == 1


async def test_a_closed_client_says_so(gateway: Gateway):
    cf = gateway.client()
    with pytest.raises(RuntimeError, match="not open"):
        await cf.get_token("github/acme")
    async with cf:
        auth = cf.auth("github/acme")
        with pytest.raises(RuntimeError, match="already"):
            await cf.open()
    with pytest.raises(RuntimeError, match="not open"):
        await httpx.AsyncClient().get("http://127.0.0.1:1", auth=auth)
    await cf.close()


async def test_the_environment_fills_in_what_was_not_given(monkeypatch: pytest.MonkeyPatch):
    for name, text in {"URL": "http://exchange.example/", "ALLOW_HTTP": "1", "TRANSPORT": "kafka", "LOG_KEY": "one two"}.items():
        monkeypatch.setenv(f"COUNTERFOIL_{name}", text)
    cf, given = Client(), Client("https://other.example", "a.b.c", "http", log_key="three")

    assert (cf.url, cf._transport, cf._log_key) == ("http://exchange.example", "kafka", ["one", "two"])
    assert (given.url, given._transport, given._log_key) == ("https://other.example", "http", ["three"])
    with pytest.raises(CounterfoilError, match="insecure_url"):
        Client(allow_http=False)
    with pytest.raises(ValueError, match="log_key"):
        Client(log_key=[])
    monkeypatch.setenv("COUNTERFOIL_TRANSPORT", "carrier pigeon")
    with pytest.raises(ValueError, match="http or kafka"):
        Client()


def test_kafka_is_where_the_environment_says():
    from counterfoil.client import environment  # noqa: PLC0415 the module under test

    env = {"COUNTERFOIL_KAFKA": "a:1,b:2", "COUNTERFOIL_KAFKA_USERNAME": "app", "COUNTERFOIL_KAFKA_PASSWORD": "canary", "COUNTERFOIL_KAFKA_TLS": "1"}
    found = environment.kafka(env)

    assert environment.kafka({}) is None
    assert found is not None
    assert (found.servers, found.username, found.tls, found.cafile) == ("a:1,b:2", "app", True, None)
    assert "canary" not in repr(found)
