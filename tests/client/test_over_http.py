"""The client over HTTP: what it sends, what it accepts, when it asks again. The gateway is httpx's MockTransport; receipts are real."""

import asyncio
import copy
import json
import pickle
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from counterfoil import Client, CounterfoilError, Denied, RateLimited, Rejected, Unavailable, Unproven
from tests.client.answers import DSN, PARTS, Town, no
from tests.client.gateway import CREDENTIAL_ID, URL, Gateway, form, problem


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


async def test_it_speaks_rfc_8693(gateway: Gateway):
    gateway.answers = [gateway.lend]
    async with gateway.client(timeout=7) as cf:
        credential = await cf.exchange("postgres/demo", scopes=["write", "read"], details=[{"type": "table"}], lifetime="5m")

    sent = gateway.asked[0]
    assert sent.headers["prefer"] == "wait=7"
    assert form(sent) == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "an.id.token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "audience": "postgres/demo",
        "scope": "read write",
        "authorization_details": '[{"type":"table"}]',
        "requested_lifetime": "300",
        "request_id": str(credential.request_id),
    }
    assert credential.reveal() == DSN
    assert credential.parts() == PARTS
    assert str(credential.credential_id) == CREDENTIAL_ID


async def test_the_receipt_says_whether_the_log_key_was_given(gateway: Gateway):
    gateway.answers = [gateway.lend]
    async with gateway.client() as cf, gateway.client(log_key=[gateway.town.log_key.vkey]) as pinned:
        assert (await cf.exchange("postgres/demo")).receipt.log_key == "fetched"
        assert (await pinned.exchange("postgres/demo")).receipt.log_key == "given"


async def test_a_log_key_that_was_rotated_is_fetched_again(gateway: Gateway):
    fetched = iter([Town().log_key.vkey, gateway.town.log_key.vkey])
    gateway.answers = [gateway.lend]

    def well_known_changes(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/.well-known/counterfoil":
            return httpx.Response(200, json=gateway.town.well_known(log_keys=[next(fetched)]))
        return gateway(request)

    async with gateway.client(http=httpx.AsyncClient(transport=httpx.MockTransport(well_known_changes))) as cf:
        assert (await cf.exchange("postgres/demo")).reveal() == DSN


async def test_a_log_that_the_given_key_does_not_know_is_refused(gateway: Gateway):
    gateway.answers = [gateway.lend]
    async with gateway.client(log_key=[Town().log_key.vkey]) as cf:
        with pytest.raises(Unproven, match="unknown_key"):
            await cf.exchange("postgres/demo")


@pytest.mark.parametrize(
    "change", [{"receipt": None}, {"receipt": {}}, {"receipt": {"leaf": 1, "proof": 2}}, {"credential_id": str(UUID(int=3))}, {"access_token": None}]
)
async def test_an_answer_without_its_own_proof_is_no_credential(gateway: Gateway, change: dict[str, Any]):
    gateway.answers = [lambda sent: gateway.lend(sent, **change)]
    async with gateway.client() as cf:
        with pytest.raises(Unproven) as raised:
            await cf.exchange("postgres/demo")

    assert not raised.value.retryable
    assert "canary" not in f"{raised.value}{raised.value.fix}"


async def test_the_receipt_of_another_request_is_refused_though_it_is_valid(gateway: Gateway):
    gateway.answers = [lambda sent: gateway.lend(sent | {"request_id": str(UUID(int=9))})]
    async with gateway.client() as cf:
        with pytest.raises(Unproven, match="wrong_receipt"):
            await cf.exchange("postgres/demo")


async def test_the_receipt_of_another_connector_is_refused_though_it_is_valid(gateway: Gateway):
    gateway.answers = [gateway.lend]
    async with gateway.client() as cf:
        with pytest.raises(Unproven, match="wrong_receipt"):
            await cf.exchange("postgres/other")


async def test_where_no_answer_came_the_same_id_is_sent_again(gateway: Gateway):
    gateway.answers = [lambda _: httpx.ReadError("gone"), lambda _: httpx.Response(502, text="proxy"), gateway.lend]
    async with gateway.client() as cf:
        credential = await cf.exchange("postgres/demo")

    assert [form(one)["request_id"] for one in gateway.asked] == [str(credential.request_id)] * 3


async def test_after_an_answer_a_retry_takes_a_new_id(gateway: Gateway):
    gateway.answers = [problem(503, "in_progress"), gateway.lend]
    async with gateway.client() as cf:
        credential = await cf.exchange("postgres/demo", request_id=UUID(int=5))

    first, second = (form(one)["request_id"] for one in gateway.asked)
    assert first == str(UUID(int=5))
    assert second == str(credential.request_id) != first


async def test_an_error_is_of_its_class_and_says_all_that_the_gateway_said(gateway: Gateway):
    gateway.answers = [problem(400, "beyond_ceiling", error="invalid_scope", fix="ask for read", stage="authorize", trace_id="t", beyond=["write"])]
    async with gateway.client() as cf:
        with pytest.raises(Denied) as raised:
            await cf.exchange("postgres/demo", scopes=["write"])

    error = raised.value
    assert (error.code, error.message, error.fix, error.stage, error.trace_id) == ("beyond_ceiling", "words", "ask for read", "authorize", "t")
    assert error.extra == {"beyond": ["write"]}
    assert error.request_id == form(gateway.asked[0])["request_id"]
    assert len(gateway.asked) == 1


async def test_a_no_comes_with_its_receipt_where_that_holds_and_is_its_own(gateway: Gateway):
    def deny(about: str) -> Callable[[dict[str, str]], httpx.Response]:
        def answer(sent: dict[str, str]) -> httpx.Response:
            leaf = gateway.town.append(no({"request_id": about or sent["request_id"]}))
            return httpx.Response(400, json={"code": "no_link", "receipt": gateway.town.receipt(leaf)})

        return answer

    foreign = str(UUID(int=9))
    forged = httpx.Response(400, json={"code": "no_link", "receipt": {"index": 0, "leaf": "{}", "proof": "none"}})
    gateway.answers = [deny(""), deny(foreign), lambda _: forged]
    async with gateway.client() as cf:
        found = []
        for _ in gateway.answers:
            with pytest.raises(Denied) as raised:
                await cf.exchange("postgres/demo")
            found.append(raised.value.receipt)

    assert found[0] is not None
    assert found[0].index == 2
    assert found[1:] == [None, None]


async def test_a_gateway_that_is_away_is_said_and_no_error_holds_the_token(gateway: Gateway):
    gateway.answers = [lambda _: httpx.ConnectError("no")]
    async with gateway.client(sampled=False, log_key=[gateway.town.log_key.vkey]) as cf:
        with pytest.raises(Unavailable, match="unreachable") as raised:
            await cf.exchange("postgres/demo")

    chain: BaseException | None = raised.value
    while chain is not None:
        assert not isinstance(chain, httpx.HTTPError)  # it would hold the request
        chain = chain.__cause__ or chain.__context__


async def test_a_deadline_ends_the_wait(gateway: Gateway):
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    async with gateway.client(http=httpx.AsyncClient(transport=httpx.MockTransport(never)), sampled=False, timeout=0.2) as cf:
        with pytest.raises(Unavailable, match="late"):
            await cf.exchange("postgres/demo")


async def test_too_many_requests_say_when_to_come_back(gateway: Gateway):
    gateway.answers = [lambda _: httpx.Response(429, headers={"retry-after": "30"}, json={"code": "rate_limited"})]
    async with gateway.client() as cf:
        with pytest.raises(RateLimited) as raised:
            await cf.exchange("postgres/demo")

    assert raised.value.retry_after == 30
    assert len(gateway.asked) == 1  # thirty seconds are beyond the deadline


async def test_what_is_no_gateway_is_said(gateway: Gateway):
    def page(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="<html>")

    async with gateway.client(http=httpx.AsyncClient(transport=httpx.MockTransport(page))) as cf:
        with pytest.raises(CounterfoilError, match="bad_answer"):
            await cf.exchange("postgres/demo")


async def test_a_callable_gives_a_token_each_time(gateway: Gateway):
    given = iter(["first", "second"])

    async def token() -> str:
        return next(given)

    gateway.answers = [problem(400, "expired"), gateway.lend]
    async with gateway.client(token=token) as cf:
        await cf.exchange("postgres/demo")

    assert [form(one)["subject_token"] for one in gateway.asked] == ["first", "second"]


async def test_it_is_revoked_at_the_end_of_the_block(gateway: Gateway):
    gateway.answers = [gateway.lend, lambda _: httpx.Response(200)]
    async with gateway.client() as cf, cf.credential("postgres/demo"):
        assert len(gateway.asked) == 1

    revoked = gateway.asked[1]
    assert revoked.url.path == "/oauth2/revoke"
    assert revoked.headers["authorization"] == "Bearer an.id.token"
    assert form(revoked) == {"token": CREDENTIAL_ID}


async def test_it_is_revoked_when_the_block_fails_and_the_blocks_own_error_stays(gateway: Gateway):
    gateway.answers = [gateway.lend, problem(403, "not_allowed")]
    with pytest.raises(KeyError) as raised:
        async with gateway.client() as cf, cf.credential("postgres/demo"):
            raise KeyError("mine")

    assert len(gateway.asked) == 2
    assert "could not be revoked" in raised.value.__notes__[0]


async def test_it_is_revoked_when_the_block_is_cancelled(gateway: Gateway):
    inside = asyncio.Event()

    async def block() -> None:
        async with gateway.client() as cf, cf.credential("postgres/demo"):
            inside.set()
            await asyncio.sleep(60)

    gateway.answers = [gateway.lend, lambda _: httpx.Response(200)]
    task = asyncio.create_task(block())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert gateway.asked[1].url.path == "/oauth2/revoke"


async def test_a_revocation_that_has_begun_is_seen_through_though_nobody_waits_for_it_any_more(gateway: Gateway):
    begun, go_on, done = asyncio.Event(), asyncio.Event(), []

    async def slow(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth2/revoke":
            begun.set()
            await go_on.wait()
            done.append(form(request))
        return gateway(request)

    async def block() -> None:
        async with gateway.client(http=httpx.AsyncClient(transport=httpx.MockTransport(slow))) as cf, cf.credential("postgres/demo"):
            pass

    gateway.answers = [gateway.lend, lambda _: httpx.Response(200)]
    task = asyncio.create_task(block())
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert done == [{"token": CREDENTIAL_ID}]


async def test_revoking_what_one_does_not_have_accepts_nothing(gateway: Gateway):
    gateway.answers = [lambda _: httpx.Response(200, json={}), lambda _: httpx.Response(200, json={"accepted": "2026-11-24T12:00:00Z"})]
    async with gateway.client() as cf:
        assert await cf.revoke(UUID(int=3)) == {"accepted": None}
        assert await cf.revoke(UUID(int=3)) == {"accepted": "2026-11-24T12:00:00Z"}


async def test_a_revocation_that_fails_is_an_error(gateway: Gateway):
    gateway.answers = [gateway.lend, problem(401, "expired", retryable=False)]
    with pytest.raises(Rejected):
        async with gateway.client() as cf, cf.credential("postgres/demo"):
            pass


async def test_a_credential_says_nothing_of_itself(gateway: Gateway):
    gateway.answers = [gateway.lend]
    async with gateway.client() as cf:
        credential = await cf.exchange("postgres/demo")

    shown = f"{credential!r} {credential} {credential.about()} {credential.receipt} {copy.copy(credential._token)!r}"
    assert "canary" not in shown
    assert "canary" in credential.reveal()
    with pytest.raises(TypeError):
        pickle.dumps(credential)
    with pytest.raises(TypeError):
        json.dumps(credential)
    with pytest.raises(AttributeError):
        credential.connector = "github/other"  # type: ignore[misc]


def test_a_log_key_is_not_taken_from_a_line_that_others_can_change():
    with pytest.raises(CounterfoilError, match="insecure_url"):
        Client("http://exchange.example")


async def test_clear_http_that_was_allowed_still_needs_a_log_key():
    with pytest.raises(CounterfoilError, match="no_log_key"):
        async with Client("http://exchange.example", allow_http=True):
            pass


@pytest.mark.parametrize("timeout", [0, -1, 61])
def test_a_timeout_is_at_most_a_minute(timeout: float):
    with pytest.raises(ValueError, match="60"):
        Client(URL, timeout=timeout)
