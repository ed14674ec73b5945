"""An issuer, or somebody in its place, that does wrong: each wrong has its own page, nobody is signed in, and nothing of a token is shown."""

import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import Pool
from services.dev.issuer import LOOPBACK
from services.dev.signer import Signer
from tests.console.entrance import CLIENT, URL, Entrance, entrance
from tests.support.issuer import serving
from tests.support.oidc_hostile import Hostile, by_public_key, under, unsigned

NOW = int(time.time())
ELSEWHERE = "https://elsewhere.example"


@dataclass
class Place:
    door: Entrance
    issuer: Hostile
    owner: asyncpg.Connection

    async def no(self, path: str = "/login") -> tuple[int, str]:
        """Status and page of a sign-in that must come to nothing."""
        before = await self.owner.fetchval("SELECT count(*) FROM console_session")
        page = await self.door.follow(f"{URL}{path}")
        assert await self.owner.fetchval("SELECT count(*) FROM console_session") == before
        assert not self.door.signed_in
        assert "You are not signed in" in page.text
        assert "eyJ" not in page.text
        return page.status_code, page.text.split("<code>")[1].split("</code>")[0]


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("other"))


@pytest.fixture
async def place(db: Pool, owner: asyncpg.Connection, signer: Signer) -> AsyncIterator[Place]:
    listening = socket.create_server((LOOPBACK, 0))
    issuer = Hostile(signer, f"http://{LOOPBACK}:{listening.getsockname()[1]}")
    async with serving(issuer.app(), listening), entrance(db, issuer.url) as door:
        yield Place(door, issuer, owner)


async def test_where_it_does_nothing_wrong_one_is_signed_in(place: Place):
    page = await place.door.follow(f"{URL}/login")

    assert (page.status_code, place.door.signed_in) == (200, True)
    assert "Ada" in page.text


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": ELSEWHERE},
        {"issuer": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "http://elsewhere.example/authorize"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"id_token_signing_alg_values_supported": ["none", "HS256"]},
    ],
)
async def test_a_description_that_cannot_be_right(place: Place, described: dict[str, Any]):
    place.issuer.description = described

    assert await place.no() == (502, "issuer_misconfigured")
    assert place.issuer.asked == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"iss": ELSEWHERE}, 400, "wrong_issuer"),
        ({"iss": None}, 400, "wrong_issuer"),
        ({"state": "another"}, 400, "wrong_state"),
        ({"state": None}, 400, "wrong_state"),
        ({"code": None}, 400, "no_code"),
        ({"code": "c" * 5000}, 400, "no_code"),
        ({"code": None, "error": "access_denied"}, 403, "not_signed_in"),
        ({"code": None, "error": "server_error"}, 502, "issuer_unavailable"),
        ({"code": None, "error": "unauthorized_client"}, 502, "issuer_misconfigured"),
        ({"error": "access_denied", "iss": ELSEWHERE}, 400, "wrong_issuer"),
    ],
)
async def test_a_way_back_that_is_not_ours(place: Place, query: dict[str, Any], status: int, code: str):
    place.issuer.query = query

    assert await place.no() == (status, code)
    assert place.issuer.redeemed == []


async def test_an_issuer_that_never_says_who_it_is_need_not_but_must_not_lie(place: Place):
    place.issuer.description = {"authorization_response_iss_parameter_supported": None}
    place.issuer.query = {"iss": ELSEWHERE}
    assert await place.no() == (400, "wrong_issuer")

    place.issuer.query = {"iss": None}
    assert (await place.door.follow(f"{URL}/login")).status_code == 200


async def test_what_the_issuer_wrote_is_not_repeated(place: Place):
    place.issuer.query = {"code": None, "error": "canary", "error_description": "canary: call this number"}

    await place.no()

    assert "canary" not in place.door.answers[-1].text


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": ELSEWHERE}, "unknown_issuer"),
        ({"aud": "another"}, "wrong_audience"),
        ({"aud": ["another", CLIENT], "azp": CLIENT}, "wrong_audience"),
        ({"aud": "another", "azp": CLIENT}, "wrong_audience"),
        ({"azp": "another"}, "wrong_audience"),
        ({"nonce": "another"}, "wrong_nonce"),
        ({"nonce": None}, "wrong_nonce"),
        ({"iat": NOW - 7200, "exp": NOW - 3600}, "expired"),
        ({"iat": NOW + 3600, "exp": NOW + 7200}, "not_yet_valid"),
        ({"exp": None}, "bad_claims"),
        ({"sub": None}, "bad_claims"),
        ({"auth_time": NOW + 3600}, "bad_claims"),
        ({"auth_time": NOW - 9 * 3600}, "too_long_ago"),
        ({"auth_time": True}, "no_auth_time"),
    ],
)
async def test_a_token_that_says_the_wrong_thing(place: Place, claims: dict[str, Any], code: str):
    place.issuer.claims = claims

    assert await place.no() == (403, code)


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (lambda _ours, _other: unsigned, "malformed"),
        (lambda ours, _other: by_public_key(ours), "algorithm"),
        (lambda _ours, other: under(other), "unknown_key"),
        (lambda ours, other: under(other, kid=ours.jwks()["keys"][0]["kid"]), "bad_signature"),
        (lambda ours, _other: under(ours, algorithm="PS256"), "algorithm"),
        (lambda _ours, other: under(other, jwk=other.jwks()["keys"][0]), "bad_header"),
    ],
    ids=["none", "public key as secret", "key of another", "kid of ours", "not its algorithm", "brings its own key"],
)  # fmt: skip
async def test_a_token_that_is_not_signed_by_it(place: Place, signer: Signer, other: Signer, forge: Callable[[Signer, Signer], Any], code: str):
    place.issuer.forge = forge(signer, other)

    assert await place.no() == (403, code)


async def test_a_key_is_for_its_own_algorithm(place: Place, signer: Signer):
    place.issuer.description = {"id_token_signing_alg_values_supported": ["RS256", "RS512"]}
    place.issuer.forge = under(signer, algorithm="RS512")

    assert await place.no() == (403, "bad_key")


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        ({"padding": "x" * 300_000}, 200, "issuer_unavailable"),
        ({"id_token": "x" * 20_000}, 200, "issuer_misconfigured"),
        ({"id_token": None}, 200, "issuer_misconfigured"),
        ({"id_token": 7}, 200, "issuer_misconfigured"),
        ({"error": "invalid_client"}, 401, "issuer_misconfigured"),
        ({"error": "invalid_grant"}, 400, "code_refused"),
        ({}, 500, "issuer_unavailable"),
        ({}, 302, "code_refused"),
    ],
)
async def test_an_answer_to_the_code_that_is_none(place: Place, answer: dict[str, Any], status: int, code: str):
    place.issuer.answer, place.issuer.status = answer, status

    assert (await place.no())[1] == code


async def test_keys_that_are_never_there_are_looked_for_once(place: Place, other: Signer):
    place.issuer.forge = under(other)

    for _ in range(3):
        assert (await place.no())[1] == "unknown_key"

    assert place.issuer.keys_read <= 2


@pytest.mark.parametrize(("ago", "code"), [(3600, "too_long_ago"), (None, "no_auth_time"), ("now", "no_auth_time")])
async def test_a_step_up_that_was_none(place: Place, ago: Any, code: str):
    """With max_age=0 the issuer has to ask anew, and to say when it did."""
    place.issuer.claims = {"auth_time": NOW - ago if isinstance(ago, int) else ago}

    assert await place.no("/login?fresh=1") == (403, code)


async def test_whose_issuer_does_not_say_when_may_do_nothing_drastic(place: Place, owner: asyncpg.Connection):
    place.issuer.claims = {"auth_time": None}

    await place.door.follow(f"{URL}/login")

    assert place.door.signed_in
    assert (await owner.fetchval("SELECT max(checked_at) - min(signed_in_at) FROM console_session")).days > 365


async def test_a_state_is_good_once_even_where_the_issuer_takes_a_code_twice(place: Place):
    back = await place.door.follow(f"{URL}/login", until=f"{URL}/login/callback")
    address, kept = back.headers["location"], place.door.cookies["counterfoil-login"]
    await place.door.follow(address)
    assert place.door.signed_in

    place.door.browser.cookies.clear()
    place.door.browser.cookies.set("counterfoil-login", kept, domain="console.test")
    again = await place.door.follow(address)

    assert (again.status_code, "used" in again.text) == (400, True)
    assert not place.door.signed_in


async def test_a_changed_cookie_has_another_state(place: Place):
    back = await place.door.follow(f"{URL}/login?then=/audit", until=f"{URL}/login/callback")
    secret, _, said = place.door.cookies["counterfoil-login"].partition(".")

    for changed in (f"{secret}.W10", f"{secret[:-4]}AAAA.{said}", "nothing", f"{secret}.", "\u00e4.b"):
        place.door.browser.cookies.clear()
        place.door.browser.cookies.set("counterfoil-login", changed.encode("ascii", "ignore").decode(), domain="console.test")
        page = await place.door.follow(back.headers["location"])
        assert page.status_code == 400
        assert not place.door.signed_in


async def test_a_client_with_a_secret_says_it_to_the_issuer_alone(db: Pool, signer: Signer):
    listening = socket.create_server((LOOPBACK, 0))
    issuer = Hostile(signer, f"http://{LOOPBACK}:{listening.getsockname()[1]}")
    async with serving(issuer.app(), listening), entrance(db, issuer.url, client_secret=Secret("s3cret: +%")) as door:
        await door.follow(f"{URL}/login")

    assert door.signed_in
    assert issuer.redeemed[0]["authorization"] == "Basic dGhlLWNvbnNvbGU6czNjcmV0JTNBKyUyQiUyNQ=="
    assert "client_id" not in issuer.redeemed[0]
    assert "s3cret" not in str(issuer.asked)


async def test_an_issuer_that_is_away_is_told(db: Pool):
    async with entrance(db, "http://127.0.0.1:1") as door:
        page = await door.follow(f"{URL}/login?then=/audit")

    assert page.status_code == 502
    assert "issuer_unavailable" in page.text
    assert 'href="/login?then=%2Faudit"' in page.text
