"""A token that was made for the console: it counts at /v1, for who is an operator, and nowhere else."""

import time
from datetime import UTC, datetime

import pytest
from starlette.requests import Request

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.snapshot import Snapshot
from counterfoil_server.runtime.tokens.jwks import Jwks
from services.gateway.callers import Callers
from services.gateway.problems import Problem
from tests.gateway.conftest import BASE, CONSOLE, Town
from tests.gateway.identities import ENTRIES, STRANGE_KEY, FakeIssuer, bearer


class Book:
    snapshot = Snapshot.of(1, ENTRIES)

    def fresh(self) -> bool:
        return True


def callers(console: str | None = CONSOLE) -> Callers:
    return Callers(Book(), Jwks(FakeIssuer()), BASE, Secret(b"k" * 32), lambda: datetime.now(UTC), console)  # type: ignore[arg-type]


def request(subject: str, **claims: object) -> Request:
    header = bearer(subject, **({"audience": CONSOLE} | claims))["authorization"]
    return Request({"type": "http", "headers": [(b"authorization", header.encode())]})


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
async def test_an_operators_counts_at_v1(manned: Town, role: str):
    answer = await manned.http.get("/v1/whoami", headers=bearer(role, audience=CONSOLE, project=None, environment=None))

    assert (answer.status_code, answer.json()["role"]) == (200, role)


async def test_somebody_elses_counts_nowhere(manned: Town):
    for path in ("/v1/whoami", "/v1/credentials"):
        answer = await manned.http.get(path, headers=bearer("app", audience=CONSOLE))
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong_audience")


@pytest.mark.parametrize("path", ["/oauth2/revoke", "/oauth2/introspect"])
async def test_not_even_an_operators_counts_at_the_doors_of_apps(manned: Town, path: str):
    answer = await manned.http.post(path, data={"token": "0" * 36}, headers=bearer("admin", audience=CONSOLE))

    assert answer.json()["code"] == "wrong_audience"


async def test_the_usual_audience_counts_beside_it(manned: Town):
    assert (await manned.http.get("/v1/whoami", headers=bearer("admin"))).json()["role"] == "admin"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"audience": "another"}, "wrong_audience"),
        ({"audience": [CONSOLE, BASE]}, "wrong_audience"),
        ({"exp": -60}, "expired"),
        ({"iat": -7000, "exp": 1000}, "too_long"),
        ({"key": STRANGE_KEY}, "bad_signature"),
        ({"owner": "another"}, "unmapped"),
    ],
)
async def test_it_is_judged_as_strictly_as_any(claims: dict[str, object], code: str):
    """Times are seconds from now, when it runs and not when it was collected."""
    now = int(time.time())
    claims = claims | {name: now + seconds for name, seconds in claims.items() if isinstance(seconds, int)}
    with pytest.raises(Problem) as no:
        await callers().caller(request("admin", **claims))

    assert no.value.code == code


async def test_it_may_be_as_old_as_a_session():
    old = {"iat": int(time.time()) - 3000, "exp": int(time.time()) + 600}

    assert (await callers().caller(request("admin", **old))).role == "admin"
    with pytest.raises(Problem, match="too_old"):
        await callers().caller(request("admin", audience=BASE, **old))


async def test_where_there_is_no_console_it_counts_for_nobody():
    with pytest.raises(Problem) as no:
        await callers(None).caller(request("admin"))

    assert no.value.code == "wrong_audience"
