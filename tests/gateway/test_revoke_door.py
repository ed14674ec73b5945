"""POST /oauth2/revoke and /oauth2/introspect: one's own, and nobody else's."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from counterfoil.contracts.revocation_settled import TOPIC, CredentialRevoked
from counterfoil.wire import envelope
from tests.gateway.bus import Raw
from tests.gateway.conftest import Town
from tests.gateway.identities import STRANGE_KEY, bearer
from tests.gateway.rows import hashed, lent


async def revoke(town: Town, token: str, subject: str = "app", door: str = "revoke") -> httpx.Response:
    return await town.http.post(f"/oauth2/{door}", data={"token": token}, headers=bearer(subject))


async def orders(town: Town) -> list[dict[str, Any]]:
    return [row["predicate"] for row in await town.db.fetch("SELECT predicate FROM revocation_order ORDER BY at")]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody obeys here, so nobody waits."""
    monkeypatch.setattr("services.gateway.revoke_door.PATIENCE", 0.01)


async def test_ones_own_credential_is_ordered_to_end_by_its_id(manned: Town):
    credential = await lent(manned.root)

    answer = await revoke(manned, str(credential))

    body = answer.json()
    assert answer.status_code == 200
    assert (body["credential_id"], body["state"]) == (str(credential), "accepted")
    row = await manned.db.fetchrow("SELECT * FROM revocation_order")
    assert (str(row["id"]), row["predicate"]) == (body["revocation_id"], {"credential_id": str(credential)})
    assert row["actor"]["role"] == "app"
    assert await manned.db.fetchval("SELECT state FROM connector") == "active"


async def test_the_credential_itself_names_it_too(manned: Town):
    credential = await lent(manned.root, secret="postgresql://lent:s3cret@db/demo")

    assert (await revoke(manned, "postgresql://lent:s3cret@db/demo")).json()["credential_id"] == str(credential)


@pytest.mark.parametrize("whose", ["a stranger's", "nobody's"])
async def test_what_is_not_ones_own_is_answered_alike_and_nothing_happens(manned: Town, whose: str):
    credential = await lent(manned.root, subject="somebody-else", secret="theirs")

    for token in [str(credential), "theirs"] if whose == "a stranger's" else [str(uuid4()), "what is this"]:
        answer = await revoke(manned, token)
        assert (answer.status_code, answer.json()) == (200, {})
    assert await orders(manned) == []


async def test_an_operator_at_this_door_is_a_caller_like_any(manned: Town):
    credential = await lent(manned.root)

    assert (await revoke(manned, str(credential), subject="admin")).json() == {}


async def test_what_is_dead_is_not_ordered_again(manned: Town):
    credential = await lent(manned.root, state="revoked")

    assert (await revoke(manned, str(credential))).json()["state"] == "revoked"
    assert await orders(manned) == []


async def test_who_waits_hears_when_it_is_dead(manned: Town, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.gateway.revoke_door.PATIENCE", 10)
    credential = await lent(manned.root)
    waits = asyncio.create_task(revoke(manned, str(credential)))
    async with asyncio.timeout(10):
        while not await orders(manned):  # noqa: ASYNC110 - the row is what is waited for
            await asyncio.sleep(0.01)

    await manned.root.execute("UPDATE mint SET state = 'revoked' WHERE credential_id = $1", credential)
    await manned.settled.on_batch([Raw(b"{", [], 1), ended(credential)])

    assert (await waits).json()["state"] == "revoked"


def ended(credential: UUID) -> Raw:
    fact = CredentialRevoked.model_validate({"id": uuid4(), "at": "2026-01-01T00:00:00Z", "credential_id": credential, "revocation_id": uuid4()})
    return Raw(envelope.encode(fact), envelope.headers(TOPIC, fact, "revoke", str(fact.id)), 2)


async def test_introspection_says_of_ones_own_whether_it_lives(manned: Town):
    mine, theirs, dead = await lent(manned.root), await lent(manned.root, subject="other"), await lent(manned.root, state="revoking")

    answer = await revoke(manned, str(mine), door="introspect")

    alive = answer.json()
    assert (alive["active"], alive["credential_id"], alive["jti"], alive["aud"]) == (True, str(mine), str(mine), "postgres/demo")
    assert (alive["iss"], alive["sub"], alive["scope"], alive["authorization_details"]) == ("http://gateway.test", hashed("app"), "read", [])
    assert alive["exp"] - alive["iat"] > 0
    assert answer.headers["cache-control"] == "no-store"
    for credential in (theirs, dead, "nonsense"):
        assert (await revoke(manned, str(credential), door="introspect")).json() == {"active": False}


async def test_what_is_stopped_is_not_active_from_then_on(manned: Town):
    """Before its revocation has come to anything."""
    mine = str(await lent(manned.root))
    await manned.root.execute("UPDATE connector SET state = 'fenced' WHERE name = 'postgres/demo'")
    fenced = (await revoke(manned, mine, door="introspect")).json()
    await manned.root.execute("UPDATE connector SET state = 'active' WHERE name = 'postgres/demo'")
    again = (await revoke(manned, mine, door="introspect")).json()
    await manned.root.execute("INSERT INTO block (id, project, since) VALUES (gen_random_uuid(), 'web', now())")

    assert (fenced, again["active"]) == ({"active": False}, True)
    assert (await revoke(manned, mine, door="introspect")).json() == {"active": False}


async def test_a_hint_and_what_nobody_knows_are_ignored(manned: Town):
    """RFC 7662 section 2.1, RFC 7009 section 2.1."""
    mine = str(await lent(manned.root))

    answer = await manned.http.post("/oauth2/introspect", data={"token": mine, "token_type_hint": "refresh_token", "x": "y"}, headers=bearer())

    assert answer.json()["active"] is True
    assert (await manned.http.post("/oauth2/introspect", data={}, headers=bearer())).json()["error"] == "invalid_request"


FORGED: dict[str, tuple[Callable[[], dict[str, str]], str]] = {
    "no token": (dict, "unauthenticated"),
    "another scheme": (lambda: {"authorization": "Basic YTpi"}, "unauthenticated"),
    "no JWT": (lambda: {"authorization": "Bearer abc"}, "malformed"),
    "too large": (lambda: {"authorization": "Bearer " + "a" * 20_000}, "oversized"),
    "forged": (lambda: bearer(key=STRANGE_KEY), "bad_signature"),
    "expired": (lambda: bearer(exp=1_000_000), "expired"),
    "another audience": (lambda: bearer(audience="https://elsewhere.example"), "wrong_audience"),
    "an unknown issuer": (lambda: bearer(iss="https://evil.example"), "unknown_issuer"),
    "another tenant": (lambda: bearer(owner="evil"), "unmapped"),
    "another tenant's admin": (lambda: bearer("admin", owner="evil"), "unmapped"),
    "no environment": (lambda: bearer(environment=None), "unmapped"),
}
"""Made when they are used: a whole run may outlast a token."""


DOORS = (
    "POST /oauth2/revoke", "POST /oauth2/introspect", "GET /v1/whoami", "GET /v1/credentials", "POST /v1/revocations", "POST /v1/registry",
    "DELETE /v1/connectors/postgres/demo", "GET /v1/audit/leaves",
)  # fmt: skip


@pytest.mark.parametrize("case", FORGED)
async def test_a_token_that_does_not_prove_who_calls_opens_no_door(manned: Town, case: str):
    made, code = FORGED[case]
    headers = made()
    for door in DOORS:
        method, _, path = door.partition(" ")
        answer = await manned.http.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code), door
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json().get("error", "invalid_client") == "invalid_client"
    assert not any("evil" in url for url in manned.issuer.fetched)


async def test_a_registry_that_nobody_confirmed_proves_nobody(manned: Town, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(manned.registry, "fresh", lambda: False)

    for path in ("/v1/whoami", "/v1/credentials"):
        answer = await manned.http.get(path, headers=bearer("admin"))
        assert (answer.status_code, answer.json()["code"]) == (503, "registry_unavailable")


async def test_two_authorization_headers_are_no_choice_of_ours(manned: Town):
    header = bearer()["authorization"]

    answer = await manned.http.get("/v1/whoami", headers=[("authorization", header), ("authorization", header)])

    assert answer.json()["code"] == "unauthenticated"
