"""POST /oauth2/token: what it takes, what it gives, and every no."""

import json
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest

from counterfoil.contracts.exchange_authorized import DenialCode, GrantDenied, Grounds
from counterfoil.contracts.exchange_minted import RefusalCode
from counterfoil.contracts.exchange_verified import Basis, IdentityRejected, RejectionCode
from counterfoil.wire.receipt import check
from services.gateway.table import ROWS, TABLE
from tests.gateway.bus import DSN, ISSUER, Asked_, minted, refused
from tests.gateway.conftest import BASE, Town

FORM = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token": "aaa.bbb.ccc",
    "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
    "audience": "postgres/demo",
}


async def ask(town: Town, without: str = "", **more: str) -> httpx.Response:
    return await town.http.post("/oauth2/token", data={name: value for name, value in (FORM | more).items() if name != without})


async def test_a_wish_becomes_a_credential_with_its_receipt(gateway: Town):
    answer = await ask(gateway, scope="read app", authorization_details='[{"type":"postgres"}]', requested_lifetime="300")

    body = answer.json()
    assert answer.status_code == 200, body
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert body["access_token"] == DSN
    assert body["credential"]["password"] == "hunter2-canary"
    assert (body["token_type"], body["issued_token_type"]) == ("N_A", "urn:counterfoil:token-type:credential")
    assert body["scope"] == "app read"
    assert body["authorization_details"] == [{"type": "postgres"}]
    assert 290 <= body["expires_in"] <= 300
    leaf = check(body["receipt"]["leaf"].encode(), body["receipt"]["proof"], gateway.keys.log_vkeys())
    assert leaf["fact"]["credential_id"] == body["credential_id"]
    (asked,) = gateway.bus.asked
    assert asked.wish == {"connector": "postgres/demo", "scopes": ["read", "app"], "details": [{"type": "postgres"}], "lifetime": 300}
    assert asked.token == "aaa.bbb.ccc"
    assert body["request_id"] == str(asked.envelope.request_id)


async def test_a_connector_can_be_named_by_its_url(gateway: Town):
    answer = await ask(gateway, without="audience", resource=f"{BASE}/connectors/postgres/demo")

    assert answer.status_code == 200
    assert gateway.bus.asked[0].wish["connector"] == "postgres/demo"


async def test_a_request_id_goes_along_and_new_bytes_are_made_each_time(gateway: Town):
    request_id = str(uuid4())

    first, second = await ask(gateway, request_id=request_id), await ask(gateway, request_id=request_id)

    assert first.json()["request_id"] == second.json()["request_id"] == request_id
    assert gateway.bus.asked[0].request_hash != gateway.bus.asked[1].request_hash


async def test_unknown_parameters_are_ignored_and_empty_ones_are_absent(gateway: Town):
    assert (await ask(gateway, colour="green", resource="", scope="")).status_code == 200
    assert gateway.bus.asked[0].wish == {"connector": "postgres/demo"}


BAD = {
    "no grant type": ({}, "grant_type", 400, "invalid_request", "malformed_request"),
    "another grant type": ({"grant_type": "client_credentials"}, "", 400, "unsupported_grant_type", "unsupported_grant_type"),
    "no token": ({}, "subject_token", 400, "invalid_request", "malformed_request"),
    "no token type": ({}, "subject_token_type", 400, "invalid_request", "unsupported_token_type"),
    "a SAML token": ({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "", 400, "invalid_request", "unsupported_token_type"),
    "an actor": ({"actor_token": "x"}, "", 400, "invalid_request", "malformed_request"),
    "another token wanted": ({"requested_token_type": "urn:x"}, "", 400, "invalid_request", "unsupported_token_type"),
    "no target": ({}, "audience", 400, "invalid_target", "bad_target"),
    "two targets": ({"resource": f"{BASE}/connectors/postgres/demo"}, "", 400, "invalid_target", "bad_target"),
    "a request_id that is none": ({"request_id": "7"}, "", 400, "invalid_request", "malformed_request"),
    "a request_id in braces": ({"request_id": "{" + str(uuid4()) + "}"}, "", 400, "invalid_request", "malformed_request"),
    "an oversized token": ({"subject_token": "a" * (16 * 1024 + 1)}, "", 400, "invalid_request", "oversized"),
    "a NUL": ({"scope": "a\0b"}, "", 400, "invalid_request", "malformed_request"),
}


@pytest.mark.parametrize("case", BAD)
async def test_what_is_no_request_is_refused_before_anything_is_asked(gateway: Town, case: str):
    more, without, status, error, code = BAD[case]

    answer = await ask(gateway, without=without, **more)

    body = answer.json()
    assert (answer.status_code, body["error"], body["code"]) == (status, error, code)
    assert answer.headers["content-type"] == "application/json"
    assert {"error_description", "type", "title", "status", "detail", "message", "fix", "docs_url", "retryable", "stage"} <= set(body)
    assert gateway.bus.asked == []


async def test_a_resource_of_another_installation_is_no_target(gateway: Town):
    for resource in ("https://elsewhere.example/connectors/postgres/demo", "postgres/demo", f"{BASE}/connectors/", f"{BASE}.evil/connectors/a/b"):
        assert (await ask(gateway, without="audience", resource=resource)).json()["error"] == "invalid_target"


@pytest.mark.parametrize("raw", [b"grant_type=a&grant_type=b", b"subject_token=%zz", b"a=%ff", b"a=\xff", b"a", b"&&", b"a=1;b=2&c", b"=&" * 100])
async def test_a_form_with_two_readings_is_refused(gateway: Town, raw: bytes):
    answer = await gateway.http.post("/oauth2/token", content=raw, headers={"content-type": "application/x-www-form-urlencoded"})

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


async def test_only_forms_are_taken(gateway: Town):
    for kind in ("application/json", "multipart/form-data; boundary=x", ""):
        answer = await gateway.http.post("/oauth2/token", content=json.dumps(FORM).encode(), headers={"content-type": kind})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert (await gateway.http.get("/oauth2/token")).json()["code"] == "method_not_allowed"


async def test_what_is_wrong_in_a_wish_is_asked_all_the_same_so_that_it_is_audited(gateway: Town):
    await ask(gateway, authorization_details="{no json", requested_lifetime="-5", scope="a  b")
    await ask(gateway, authorization_details='{"type":"x","type":"y"}', requested_lifetime="1e3")
    await ask(gateway, authorization_details=json.dumps([{"type": "x", "more": "y" * 20_000}]))

    first, second, third = (asked.wish for asked in gateway.bus.asked)
    assert (first["details"], first["lifetime"], first["scopes"]) == ("{no json", "-5", ["a", "", "b"])
    assert (second["details"], second["lifetime"]) == ('{"type":"x","type":"y"}', "1e3")
    assert len(third["details"][0]["more"]) == 20_000


def rejected(asked: Asked_, code: str) -> IdentityRejected:
    return IdentityRejected.about(asked.asked(), at=datetime.now(UTC), code=code, message="because", basis=Basis(registry_revision=1))


def denied(asked: Asked_, code: str) -> GrantDenied:
    about: Any = {"connector": "postgres/demo", "issuer": ISSUER, "sub_hash": "a" * 64, "project": "web", "environment": "production"}
    return GrantDenied.about(asked.asked(), at=datetime.now(UTC), code=code, grounds=Grounds(registry_revision=1), **about)


UNPROVEN = ("bad_signature", "expired", "unknown_key", "malformed_wish", "oversized", "unmapped")
NOES = [
    *[(rejected, code, 400, "invalid_request", "verify") for code in UNPROVEN],
    (rejected, "issuer_unavailable", 503, "temporarily_unavailable", "verify"),
    (rejected, "late", 504, "temporarily_unavailable", "verify"),
    *[(denied, code, 400, "invalid_target", "authorize") for code in ("no_link", "forbidden", "policy_error")],
    (denied, "beyond_ceiling", 400, "invalid_scope", "authorize"),
    (denied, "registry_unavailable", 503, "temporarily_unavailable", "authorize"),
    (refused, "provider_refused", 502, "server_error", "mint"),
    (refused, "provider_unavailable", 502, "temporarily_unavailable", "mint"),
    (refused, "request_id_reused", 502, "server_error", "mint"),
    (refused, "already_answered", 502, "temporarily_unavailable", "mint"),
    (refused, "in_progress", 503, "temporarily_unavailable", "mint"),
    (refused, "audit_unavailable", 503, "temporarily_unavailable", "mint"),
    (refused, "revoked", 502, "server_error", "mint"),
    (refused, "unknown_connector", 400, "invalid_target", "mint"),
    (refused, "limited", 429, "temporarily_unavailable", "mint"),
    (refused, "clock_skew", 503, "temporarily_unavailable", "mint"),
    (refused, "late", 504, "temporarily_unavailable", "mint"),
]


@pytest.mark.parametrize(("make", "code", "status", "error", "stage"), NOES)
async def test_a_no_over_the_bus_becomes_what_the_rfcs_say(gateway: Town, make: Any, code: str, status: int, error: str, stage: str):
    gateway.bus.answers = lambda asked: [gateway.bus.reply(asked, make(asked, code), problem={"code": code, "message": 'said "so"'})]

    answer = await ask(gateway)

    body = answer.json()
    assert (answer.status_code, body["error"], body["code"], body["stage"], body["status"]) == (status, error, code, stage, status)
    assert (body["message"], body["error_description"]) == ('said "so"', "said ?so?")
    assert check(body["receipt"]["leaf"].encode(), body["receipt"]["proof"], gateway.keys.log_vkeys())["fact"]["code"] == code
    assert body["request_id"] == str(gateway.bus.asked[0].envelope.request_id)


async def test_who_reached_a_limit_is_told_how_long_to_wait(gateway: Town):
    said = {"code": "limited", "message": "10 a minute", "retry_after": 17}
    gateway.bus.answers = lambda asked: [gateway.bus.reply(asked, refused(asked, "limited"), problem=said)]

    answer = await ask(gateway)

    assert (answer.headers["retry-after"], answer.json()["retry_after"], answer.json()["retryable"]) == ("17", 17, True)


async def test_an_installation_is_asked_for_by_its_name(gateway: Town):
    await ask(gateway, installation="other-org")

    assert gateway.bus.asked[0].wish == {"connector": "postgres/demo", "installation": "other-org"}


async def test_a_caller_who_is_not_entitled_gets_denied_and_a_proof_without_the_leaf(gateway: Town):
    gateway.bus.answers = lambda asked: [gateway.bus.reply(asked, denied(asked, "no_link"), entitled=False, problem={"code": "denied"})]

    body = (await ask(gateway)).json()

    assert (body["error"], body["code"]) == ("invalid_target", "denied")
    assert "leaf" not in body["receipt"]
    assert "no_link" not in json.dumps(body)


def test_every_code_of_the_contracts_has_a_row_and_only_one():
    assert {*get_args(RejectionCode), *get_args(DenialCode), *get_args(RefusalCode)} <= set(TABLE)
    assert sum(len(row.codes.split()) for row in ROWS) == len(TABLE)


async def test_a_problems_type_leads_to_what_it_means(gateway: Town):
    body = (await ask(gateway, without="grant_type")).json()

    page = await gateway.http.get(body["type"])

    assert page.status_code == 200
    assert body["fix"] in page.text
    assert (await gateway.http.get("/problems/nonsense")).json()["code"] == "not_found"


async def test_what_was_revoked_before_its_answer_is_a_no_without_the_credential(gateway: Town):
    gateway.bus.answers = lambda asked: [gateway.bus.reply(asked, minted(asked), problem={"code": "revoked", "message": "fenced"}, box=False)]

    answer = await ask(gateway)

    assert (answer.status_code, answer.json()["code"]) == (502, "revoked")
    assert "hunter2" not in answer.text
