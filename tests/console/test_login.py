"""Signing in at the local issuer, as a developer does: by a link that is good once, again for what is drastic, and out again."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import pytest

from counterfoil_server.runtime.store.database import Pool
from services.dev import tickets
from services.dev.issuer import LocalIssuer
from services.dev.signer import Signer
from tests.console.entrance import CLIENT, URL, Entrance, entrance
from tests.support.issuer import running


@dataclass
class Place:
    door: Entrance
    issuer: str
    tickets: Path

    @property
    def link(self) -> str:
        return f"{URL}/login/once?ticket={tickets.made(self.tickets)}"


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture
async def place(db: Pool, signer: Signer, tmp_path: Path) -> AsyncIterator[Place]:
    issuer = LocalIssuer(signer, "counterfoil", clients={CLIENT: f"{URL}/login/callback"}, tickets=tmp_path / "tickets")
    async with running(issuer) as url, entrance(db, url) as door:
        yield Place(door, url, tmp_path / "tickets")


def csrf(page: httpx.Response) -> str:
    found = re.search(r'"X-CSRF-Token": "([^"]+)"', page.text)
    assert found
    return found[1]


async def test_a_link_leads_to_the_first_page_and_only_once(place: Place):
    link = place.link

    page = await place.door.follow(link)
    place.door.browser.cookies.clear()
    again = await place.door.follow(link)

    assert (page.status_code, str(page.url)) == (200, f"{URL}/")
    assert "<strong>admin</strong>" in page.text
    assert (again.status_code, again.url.host) == (403, "127.0.0.1")
    assert "used before" in again.text
    assert "services.dev.login_link" in again.text
    assert not place.door.signed_in


async def test_who_has_no_link_is_told_how_to_get_one(place: Place):
    page = await place.door.follow(f"{URL}/audit")

    assert page.status_code == 403
    assert "services.dev.login_link" in page.text


async def test_no_page_and_no_cookie_ever_holds_a_token(place: Place, owner: asyncpg.Connection):
    page = await place.door.follow(place.link)
    await place.door.send("/logout", csrf(page))

    (token,) = set(place.door.gateway.tokens)
    assert token.count(".") == 2
    told = [answer.text + str(answer.headers) for answer in place.door.answers] + list(place.door.cookies.values())
    assert len(told) >= 4
    assert [part for part in token.split(".") for text in told if part in text] == []
    rows = await owner.fetch("SELECT row_to_json(s)::text AS row, encode(token, 'escape') AS token FROM console_session s")
    assert [part for part in token.split(".") for row in rows if part in row["row"] + row["token"]] == []


async def test_one_comes_back_to_the_page_one_wanted(place: Place):
    await place.door.follow(place.link)
    place.door.browser.cookies.delete("counterfoil-session")

    page = await place.door.follow(f"{URL}/login?then=/static/nothing%3Fpage%3D2")

    assert str(page.url) == f"{URL}/static/nothing?page=2"


@pytest.mark.parametrize(
    "then", ["//evil.example/x", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "%0d%0aLocation:https://evil"]
)
async def test_and_never_to_another_host(place: Place, then: str):
    await place.door.follow(place.link)

    page = await place.door.follow(f"{URL}/login?then={then}")

    assert page.url.host == "console.test"
    assert [answer.headers["location"] for answer in place.door.answers if "evil" in answer.headers.get("location", "").split("?")[0]] == []


async def test_what_is_drastic_asks_for_a_sign_in_that_is_new(place: Place):
    await place.door.follow(place.link)
    first = place.door.cookies["counterfoil-session"]

    asked = await place.door.follow(f"{URL}/login?fresh=1")
    assert "Continue as admin" in asked.text
    pressed = await place.door.browser.post(str(asked.url), headers={"Origin": place.issuer})
    page = await place.door.follow(pressed.headers["location"])

    assert (page.status_code, str(page.url)) == (200, f"{URL}/")
    assert place.door.cookies["counterfoil-session"] != first
    place.door.browser.cookies.set("counterfoil-session", first, domain="console.test")
    assert (await place.door.get(f"{URL}/")).status_code == 303


async def test_another_page_cannot_press_the_button(place: Place):
    await place.door.follow(place.link)
    asked = await place.door.follow(f"{URL}/login?fresh=1")

    pressed = await place.door.browser.post(str(asked.url), headers={"Origin": "https://evil.example"})

    assert pressed.status_code == 403


async def test_who_signs_out_is_out_wherever_the_cookie_was_copied_to(place: Place, owner: asyncpg.Connection):
    page = await place.door.follow(place.link)
    copied = place.door.cookies["counterfoil-session"]
    before = await owner.fetchval("SELECT count(*) FROM console_session")

    without = await place.door.send("/logout", "a-guess")
    gone = await place.door.send("/logout", csrf(page))

    assert (without.status_code, gone.status_code, gone.headers["hx-redirect"]) == (403, 204, "/login/ended")
    assert await owner.fetchval("SELECT count(*) FROM console_session") == before - 1
    assert not place.door.signed_in
    place.door.browser.cookies.set("counterfoil-session", copied, domain="console.test")
    assert (await place.door.get(f"{URL}/")).headers["location"] == "/login?then=%2F"
    assert "You are signed out" in (await place.door.get(f"{URL}/login/ended")).text


async def test_a_code_that_was_redeemed_is_refused(place: Place):
    back = await place.door.follow(place.link, until=f"{URL}/login/callback")
    address, kept = back.headers["location"], place.door.cookies["counterfoil-login"]
    await place.door.follow(address)

    place.door.browser.cookies.clear()
    place.door.browser.cookies.set("counterfoil-login", kept, domain="console.test")
    again = await place.door.follow(address)

    assert again.status_code == 400
    assert "code_refused" in again.text
    assert not place.door.signed_in


async def test_an_answer_that_was_stolen_is_of_no_use_in_another_browser(place: Place):
    back = await place.door.follow(place.link, until=f"{URL}/login/callback")
    address = back.headers["location"]

    place.door.browser.cookies.clear()
    without = await place.door.follow(address)
    await place.door.follow(f"{URL}/login", until=place.issuer)
    with_own = await place.door.follow(address)

    assert ("not_begun" in without.text, "wrong_state" in with_own.text) == (True, True)
    assert not place.door.signed_in


async def test_a_sign_in_is_finished_within_ten_minutes(place: Place):
    back = await place.door.follow(place.link, until=f"{URL}/login/callback")
    place.door.clock.ahead = timedelta(minutes=10)

    assert "too_late" in (await place.door.follow(back.headers["location"])).text
    assert not place.door.signed_in


async def test_who_is_no_operator_is_told_what_an_admin_has_to_write(place: Place):
    place.door.gateway.status, place.door.gateway.code = 401, "wrong_audience"

    page = await place.door.follow(place.link)

    assert page.status_code == 403
    assert "no_operator" in page.text
    assert f"issuer: &#34;{place.issuer}&#34;\nsubject: &#34;admin&#34;\nrole: viewer" in page.text
    assert "counterfoil apply -f" in page.text
    assert not place.door.signed_in


async def test_a_gateway_that_is_away_lets_nobody_in_and_says_so(place: Place):
    place.door.gateway.status = 0

    page = await place.door.follow(place.link)

    assert page.status_code == 502
    assert "the gateway cannot be reached" in page.text
    assert not place.door.signed_in


async def test_what_the_issuer_is_asked(place: Place):
    await place.door.follow(f"{URL}/login?fresh=1", until=place.issuer)
    asked = parse_qs(urlsplit(place.door.answers[-1].headers["location"]).query)

    assert asked["code_challenge_method"] == ["S256"]
    assert (asked["max_age"], asked["prompt"], asked["response_type"]) == (["0"], ["login"], ["code"])
    assert len({asked["state"][0], asked["nonce"][0], asked["code_challenge"][0]}) == 3


async def test_over_https_the_cookies_are_the_hosts_own(db: Pool, signer: Signer):
    issuer = LocalIssuer(signer, "counterfoil", clients={CLIENT: "https://console.test/login/callback"})
    async with running(issuer) as url, entrance(db, url, url="https://console.test") as door:
        cookie = (await door.get("https://console.test/login")).headers["set-cookie"]

    assert cookie.startswith("__Host-counterfoil-login=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))


async def test_a_link_is_handed_on_in_development_only(db: Pool):
    async with entrance(db, "https://issuer.example", development=False) as door:
        assert (await door.get(f"{URL}/login/once?ticket=x")).status_code == 404
