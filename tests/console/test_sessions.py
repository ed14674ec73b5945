"""Sessions: what the browser holds opens a row, and a row alone opens nothing; who is no longer an operator is out within half a minute."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import Pool
from services.console.gateway import Gateway
from services.console.operator import Operator
from services.console.sessions.cookie import Held, fresh, octets, text
from services.console.sessions.keeper import CHECKED, LONGEST, OUTAGE, Arrival, Sessions, Used
from services.console.sessions.rows import Rows
from tests.console.entrance import URL, Clock, Whoami

TOKEN = "eyJ.canary-of-the-operator.sig"
SECOND = timedelta(seconds=1)


@dataclass
class Place:
    sessions: Sessions
    gateway: Whoami
    clock: Clock

    async def begin(self, cookie: str = "", **changed: Any) -> str:
        """The cookie's value."""
        now = self.clock()
        usual: dict[str, Any] = {
            "token": Secret(TOKEN), "name": "Ada", "signed_in_at": now, "token_ends_at": now + timedelta(hours=1),
            "state": secrets.token_urlsafe(), "state_ends_at": now + timedelta(minutes=10),
        }  # fmt: skip
        answer = Response()
        await self.sessions.begin(request(cookie), Arrival(**(usual | changed)), answer)
        return answer.headers["set-cookie"].split(";")[0].partition("=")[2]

    async def who(self, cookie: str) -> Operator | None:
        return await self.sessions.operator(request(cookie))


def request(cookie: str) -> Request:
    return Request({"type": "http", "headers": [(b"cookie", f"counterfoil-session={cookie}".encode())] if cookie else []})


@pytest.fixture
async def place(db: Pool) -> AsyncIterator[Place]:
    gateway, clock = Whoami(), Clock()
    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway), base_url="http://gateway.test") as http:
        yield Place(Sessions(db, Gateway(http), clock, URL), gateway, clock)


async def test_a_session_is_found_by_its_cookie_and_by_no_other(place: Place):
    cookie = await place.begin()

    found = await place.who(cookie)

    assert found is not None
    assert (found.name, found.role, found.token.text(), found.can("change_registry")) == ("Ada", "admin", TOKEN, True)
    for wrong in ("", "x", cookie[:-1], cookie + "A", text(secrets.token_bytes(32)), "%00"):
        assert await place.who(wrong) is None


async def test_the_table_is_of_no_use_to_who_reads_it(place: Place, owner: asyncpg.Connection):
    cookie = await place.begin()
    held = octets(cookie)
    assert held is not None
    row = await owner.fetchrow("SELECT * FROM console_session WHERE id = $1", Held(Secret(held)).id)

    assert b"canary" not in row["token"]
    assert held not in (row["id"], row["token"])
    assert await place.who(text(row["id"])) is None
    assert Held(Secret(row["id"])).open(row["token"]) is None
    assert Held(Secret(held)).csrf.encode() not in b"".join(value for value in row.values() if isinstance(value, bytes))


async def test_a_token_that_is_put_under_another_session_does_not_open(place: Place, owner: asyncpg.Connection):
    mine, theirs = await place.begin(), await place.begin(token=Secret("eyJ.of-an-admin.sig"))
    ids = [Held(Secret(octets(cookie) or b"")).id for cookie in (mine, theirs)]

    await owner.execute("UPDATE console_session SET token = (SELECT token FROM console_session WHERE id = $2) WHERE id = $1", *ids)

    assert await place.who(mine) is None


def test_what_is_sealed_opens_whole_or_not_at_all():
    held = fresh()
    sealed = held.seal(Secret(TOKEN))

    assert held.open(sealed) == Secret(TOKEN)
    assert [held.open(broken) for broken in (b"", sealed[:12], sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]))] == [None] * 4
    assert sealed != held.seal(Secret(TOKEN))
    assert "Secret" not in repr(held)


async def test_the_gateway_is_asked_again_after_half_a_minute_and_not_before(place: Place):
    cookie = await place.begin()
    place.clock.ahead = CHECKED - SECOND
    await place.who(cookie)
    assert len(place.gateway.tokens) == 1

    place.clock.ahead = CHECKED + SECOND
    await place.who(cookie)
    await place.who(cookie)

    assert place.gateway.tokens == [TOKEN] * 2


@pytest.mark.parametrize(("status", "code"), [(401, "wrong_audience"), (401, "unknown_issuer"), (401, "expired"), (403, "not_allowed")])
async def test_who_was_removed_is_out_and_stays_out(place: Place, status: int, code: str):
    cookie = await place.begin()
    place.clock.ahead = CHECKED + SECOND
    place.gateway.status, place.gateway.code = status, code

    assert await place.who(cookie) is None
    place.gateway.status = 200
    assert await place.who(cookie) is None


async def test_who_has_no_role_any_more_is_out(place: Place):
    cookie = await place.begin()
    place.clock.ahead = CHECKED + SECOND
    place.gateway.role = None

    assert await place.who(cookie) is None


async def test_another_role_counts_within_half_a_minute(place: Place):
    cookie = await place.begin()
    place.clock.ahead = CHECKED + SECOND
    place.gateway.role, place.gateway.may = "viewer", ["read_audit"]

    found = await place.who(cookie)

    assert found is not None
    assert (found.role, found.may) == ("viewer", frozenset({"read_audit"}))


@pytest.mark.parametrize("status", [0, 503, 429])
async def test_a_gateway_that_cannot_say_ends_a_session_after_a_while_only(place: Place, status: int):
    cookie = await place.begin()
    place.gateway.status = status
    place.clock.ahead = CHECKED + SECOND
    assert await place.who(cookie) is not None

    place.clock.ahead = OUTAGE + SECOND

    assert await place.who(cookie) is None


@pytest.mark.parametrize(("token", "ends"), [(timedelta(minutes=20), timedelta(minutes=20)), (timedelta(hours=20), LONGEST)])
async def test_a_session_ends_with_its_token_and_after_a_shift_at_the_latest(place: Place, token: timedelta, ends: timedelta):
    cookie = await place.begin(token_ends_at=datetime.now(UTC) + token)
    place.clock.ahead = ends - 5 * SECOND
    assert await place.who(cookie) is not None

    place.clock.ahead = ends + SECOND

    assert await place.who(cookie) is None


async def test_a_new_session_stands_in_the_place_of_the_one_before(place: Place):
    before = await place.begin()

    after = await place.begin(cookie=before)

    assert await place.who(before) is None
    assert await place.who(after) is not None


async def test_a_login_is_finished_once(place: Place):
    await place.begin(state="one")

    with pytest.raises(Used):
        await place.begin(state="one")


async def test_what_has_ended_is_swept_and_nothing_else(place: Place, db: Pool, owner: asyncpg.Connection):
    await owner.execute("DELETE FROM console_session; DELETE FROM console_login")
    short, long = await place.begin(token_ends_at=place.clock() + SECOND), await place.begin()

    await Rows(db).sweep(place.clock() + timedelta(minutes=5))
    assert await owner.fetchval("SELECT (SELECT count(*) FROM console_session) * 10 + (SELECT count(*) FROM console_login)") == 12
    await Rows(db).sweep(place.clock() + timedelta(minutes=11))

    assert await owner.fetchval("SELECT count(*) FROM console_login") == 0
    assert await place.who(short) is None
    assert await place.who(long) is not None
