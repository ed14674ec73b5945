"""OAuth 2.0 through every process: a connector whose credentials have no name of ours, from the request to the server's own word on its end."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.providers.liar import Liar, Says, lying
from tests.support.oauth2 import connect, settled
from tests.support.oidc import SECRETS, Oidc
from tests.support.town import Town

JWT = "https://jwt.example"


async def row(town: Town, credential_id: str) -> dict[str, Any]:
    async with town.sql() as db:
        return dict(await db.fetchrow("SELECT state, expires_at, sent_at, seal_2 FROM mint WHERE credential_id = $1", credential_id))


def reason(answer: httpx.Response) -> str:
    """As it stands in the audit log."""
    return str(json.loads(answer.json()["receipt"]["leaf"])["fact"]["message"])


async def test_a_token_is_active_and_revoked_by_its_holder_it_is_not(town: Town, oidc: Oidc):
    name = await connect(town, oidc.config(), SECRETS["acme"])
    answer = await town.ask(audience=name, scope="read write", requested_lifetime=300)
    body = answer.json()
    assert answer.status_code == 200, body
    assert (body["token_type"], body["issued_token_type"]) == ("Bearer", "urn:ietf:params:oauth:token-type:access_token")
    assert body["scope"] == "read write"
    assert 290 < body["expires_in"] <= 300
    assert (await oidc.says(body["access_token"]))["scope"] == "read write"
    assert (await row(town, body["credential_id"]))["seal_2"] is not None

    bearer = {"Authorization": f"Bearer {await town.id_token()}"}
    revoked = await town.http.post(f"{town.plan.url}/oauth2/revoke", data={"token": body["access_token"]}, headers=bearer)

    assert revoked.json()["state"] in {"accepted", "revoked"}, revoked.text
    found = await settled(town, name, "revoked")
    assert (found["cause"], found["seal_2"]) == ("requested", None)
    assert not await oidc.active(body["access_token"])
    assert body["access_token"].encode() not in town.logs()


async def test_a_lent_time_shorter_than_the_servers_ends_the_token(town: Town, oidc: Oidc):
    name = await connect(town, oidc.config(), SECRETS["acme"])
    body = (await town.ask(audience=name, scope="read", requested_lifetime=2)).json()
    assert await oidc.active(body["access_token"])

    found = await settled(town, name, "expired")

    assert found["cause"] == "expired"
    assert not await oidc.active(body["access_token"])
    assert found["seal_2"] is None


async def test_a_scope_that_was_dropped_is_refused_and_the_token_that_came_anyway_ended(town: Town, oidc: Oidc):
    name = await connect(town, oidc.config(), SECRETS["acme"])

    answer = await town.ask(audience=name, scope="no-such-scope")

    assert (answer.status_code, answer.json()["code"]) == (502, "provider_refused")
    assert "which scopes" in reason(answer)
    assert (await settled(town, name, "revoked"))["cause"] == "orphan"


async def test_a_self_contained_token_is_uncertain_until_the_servers_own_time(town: Town, oidc: Oidc):
    name = await connect(town, oidc.config(resource=JWT), SECRETS["acme"])
    body = (await town.ask(audience=name, scope="read", requested_lifetime=60)).json()

    bearer = {"Authorization": f"Bearer {await town.id_token()}"}
    revoked = await town.http.post(f"{town.plan.url}/oauth2/revoke", data={"token": body["credential_id"]}, headers=bearer)

    assert revoked.json()["state"] in {"accepted", "uncertain"}, revoked.text
    found = await settled(town, name, "uncertain")
    assert found["expires_at"] > found["sent_at"] + timedelta(seconds=590)


async def test_a_bad_secret_is_a_refusal_and_the_audit_log_has_the_reason_in_our_words(town: Town, oidc: Oidc):
    name = await connect(town, oidc.config(), "canary-of-the-client")

    answer = await town.ask(audience=name, scope="read")

    assert (answer.status_code, answer.json()["code"]) == (502, "provider_refused")
    assert reason(answer).startswith("invalid_client: the server does not accept")
    assert b"canary-of-the-client" not in town.logs()


@pytest.fixture
async def liar() -> AsyncIterator[Liar]:
    async with lying() as made:
        yield made


async def test_a_lost_answer_is_asked_for_once_and_uncertain_for_as_long_as_it_may_live(town: Town, liar: Liar):
    name = await connect(town, dict(liar.desk().config), "s3cret")
    liar.set("/token", Says(cut=True))

    answer = await town.ask(audience=name, scope="read", requested_lifetime=60)

    assert (answer.status_code, answer.json()["code"]) == (502, "provider_unknown")
    assert len(liar.at("/token")) == 1
    found = await settled(town, name, "uncertain")
    assert found["sent_at"] + timedelta(days=1) <= found["expires_at"] <= found["window_closes_at"] + timedelta(days=1, minutes=1)


async def test_more_than_was_asked_is_refused_and_ended_though_the_server_makes_it_hard(town: Town, liar: Liar):
    name = await connect(town, dict(liar.desk().config), "s3cret")
    liar.set("/token", liar.gives(scope="read admin"))
    liar.set("/revoke", Says(status=503, headers={"Retry-After": "1"}), Says(cut=True), Says())
    liar.set("/introspect", Says({"active": True}), Says({"active": False}))

    answer = await town.ask(audience=name, scope="read")

    assert (answer.status_code, answer.json()["code"]) == (502, "gave_more")
    assert (await settled(town, name, "revoked"))["cause"] == "orphan"
    assert len(liar.at("/revoke")) == 4
