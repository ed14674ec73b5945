"""Who may open which door: every door of the gateway, and everybody who might come."""

from collections.abc import Mapping
from typing import Any, Final
from unittest.mock import MagicMock
from uuid import uuid4

import pytest

from services.gateway import routes
from services.gateway.v1_entries import of_every_kind
from tests.gateway.conftest import Town
from tests.gateway.identities import bearer
from tests.gateway.rows import agreed, asked, lent
from tests.gateway.test_token_door import FORM

CALLERS: Final = ("nobody", "app", "viewer", "operator", "admin")
ANYONE, WHOEVER = frozenset(CALLERS), frozenset(CALLERS) - {"nobody"}
VIEWER, OPERATOR, ADMIN = frozenset({"viewer", "operator", "admin"}), frozenset({"operator", "admin"}), frozenset({"admin"})

TABLE: Mapping[str, frozenset[str]] = {
    "POST /oauth2/token": ANYONE,  # the token that it exchanges says who one is: the verifier looks at it
    "POST /oauth2/revoke": WHOEVER,
    "POST /oauth2/introspect": WHOEVER,
    "GET /.well-known/counterfoil": ANYONE,
    "GET /.well-known/oauth-authorization-server": ANYONE,
    "GET /openapi.json": ANYONE,
    "GET /problems/{code}": ANYONE,
    "GET /v1/whoami": WHOEVER,
    "POST /v1/explain": WHOEVER,
    "GET /v1/credentials": WHOEVER,  # one's own
    "GET /v1/revocations": WHOEVER,  # one's own
    "POST /v1/revocations": OPERATOR,  # this predicate is wider than one credential
    "GET /v1/revocations/{id}": VIEWER,  # somebody else's
    "GET /v1/revocations/{id}/credentials": VIEWER,
    "POST /v1/consents": WHOEVER,  # for users of one's own
    "GET /v1/consents/{id}": VIEWER,  # somebody else's
    "GET /v1/grants": WHOEVER,  # of one's own project
    "GET /v1/grants/{id}": VIEWER,  # somebody else's
    "DELETE /v1/grants/{id}": OPERATOR,
    "GET /v1/registry": VIEWER,
    "POST /v1/registry": ADMIN,
    "GET /v1/providers": VIEWER,
    "GET /v1/providers/{name}": VIEWER,
    "POST /v1/policies/lint": VIEWER,
    "POST /v1/connectors/{name:path}/unfence": OPERATOR,
    "GET /v1/blocks": VIEWER,
    "GET /v1/blocks/{id}": VIEWER,
    "DELETE /v1/blocks/{id}": OPERATOR,
    "POST /v1/dead-letters": OPERATOR,
    "GET /v1/audit/leaves": VIEWER,
    "GET /v1/audit/checkpoint": ANYONE,
    "GET /v1/audit/proof/inclusion": VIEWER,
    "GET /v1/audit/proof/consistency": ANYONE,
    "GET /v1/audit/tlog/checkpoint": ANYONE,
    "GET /v1/audit/tlog/tile/{level}/{tile:path}": ANYONE,
    "GET /v1/audit/tlog/tile/entries/{tile:path}": VIEWER,
    **{f"GET /v1/{kind}": VIEWER for kind in ("issuers", "connectors", "installations", "links", "policies", "operators")},
    **{f"GET /v1/{kind}/{{name:path}}": VIEWER for kind in ("issuers", "connectors", "installations", "links", "policies", "operators")},
    **{f"{method} /v1/{kind}/{{name:path}}": ADMIN for method in ("PUT", "DELETE")
       for kind in ("issuers", "connectors", "installations", "links", "policies", "operators")},
}  # fmt: skip
BODIES: Mapping[str, dict[str, Any]] = {
    "POST /v1/explain": {"connector": "postgres/demo"},
    "POST /v1/revocations": {"predicate": {"project": "web"}},
    "POST /v1/dead-letters": {"place": "exchange.requested.v1:0:12", "act": "discarded", "reason": "garbage"},
    "POST /v1/policies/lint": {"cedar": "permit (principal, action, resource);"},
}
NO = (401, 403)
HIDDEN = ("/v1/revocations/", "/v1/consents/", "/v1/grants/")
"""What is another's looks like none."""


def doors() -> set[str]:
    paper = MagicMock(entries=of_every_kind(MagicMock(), MagicMock(), MagicMock()))
    return {f"{method} {path}" for path, methods, _ in (*routes.oauth(paper), *routes.others(paper)) for method in methods}


def test_every_door_is_in_the_table():
    assert doors() == set(TABLE)


async def ids(town: Town) -> dict[str, str]:
    """Something of somebody else's behind each address."""
    await town.root.execute("INSERT INTO block (id, project, since) VALUES (gen_random_uuid(), 'api', now())")
    given = await town.http.post("/v1/revocations", json={"predicate": {"credential_id": str(await lent(town.root))}}, headers=bearer("admin"))
    consent, grant = await asked(town.root), await agreed(town.root)
    return {"{code}": "denied", "consents/{id}": f"consents/{consent}", "grants/{id}": f"grants/{grant}", "{level}": "0", "{tile:path}": "000",
            "{name}": "postgres", "{name:path}": "postgres/demo", "blocks/{id}": "blocks/" + str(uuid4()),
            "revocations/{id}": "revocations/" + given.json()["id"]}  # fmt: skip


async def opened(town: Town, door: str, caller: str, there: Mapping[str, str]) -> bool:
    method, _, path = door.partition(" ")
    for name, value in there.items():
        path = path.replace(name, value)
    headers = {} if caller == "nobody" else bearer("other" if caller == "app" else caller)
    if "/oauth2/" in path:
        answer = await town.http.request(method, path, data=FORM if path.endswith("token") else {"token": str(uuid4())}, headers=headers)
    else:
        answer = await town.http.request(method, path, json=BODIES.get(door, {}) if method in ("PUT", "POST") else None, headers=headers)
    if answer.status_code in NO:
        assert (answer.status_code, answer.json()["code"]) == ((401, "unauthenticated") if caller == "nobody" else (403, "not_allowed"))
        return False
    hidden = answer.status_code == 404 and path.startswith(HIDDEN)
    return not hidden


@pytest.mark.parametrize("door", sorted(TABLE))
async def test_who_may_open_which_door(manned: Town, door: str):
    there = await ids(manned)

    found = {caller for caller in CALLERS if await opened(manned, door, caller, there)}

    assert found == TABLE[door]
