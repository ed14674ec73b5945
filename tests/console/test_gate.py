"""What stands in front of every page: no session, no page; no proof of our own page, no change; no header missing."""

import re
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from counterfoil_server.runtime.store.database import Pool
from services.console.gate import form, local
from services.console.gateway import Refused
from services.console.headers import CSP
from services.console.operator import demand, demand_fresh
from services.console.site import Site
from tests.console.conftest import NOW, URL, Visit, nothing, visiting


def pages(site: Site) -> Sequence[Route]:
    async def shown(request: Request) -> Response:
        return site.show(request, "problem.html", title="A page", message="<script>alert(1)</script>", fix="", code="none")

    async def changed(request: Request) -> Response:
        demand(request, "change_registry")
        return PlainTextResponse(f"changed by {(await form(request))['what']}")

    async def drastic(request: Request) -> Response:
        return PlainTextResponse(demand_fresh(request, NOW).name)

    async def refused(_: Request) -> Response:
        raise Refused(409, {"code": "conflict", "message": "it was changed meanwhile", "fix": "load it again"})

    return [Route("/", shown), Route("/changed", changed, methods=["POST"]), Route("/drastic", drastic, methods=["POST"]), Route("/refused", refused)]


@pytest.fixture
async def visit(db: Pool) -> AsyncIterator[Visit]:
    async with visiting([pages], db, nothing) as found:
        yield found


async def test_a_page_is_escaped_and_says_who_is_signed_in(visit: Visit):
    page = await visit.page("/")

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "ada@example.org" in page
    assert 'hx-headers:inherited=\'{"X-CSRF-Token": "csrf-of-ada"}\'' in page
    assert "operators-token" not in page


async def test_every_answer_carries_the_policy_and_is_kept_by_nobody(visit: Visit):
    for path in ("/", "/nowhere", "/refused"):
        headers = (await visit.http.get(path)).headers
        assert headers["content-security-policy"] == CSP
        assert headers["cache-control"] == "no-store"
    assert "unsafe" not in CSP


async def test_script_and_style_are_kept_for_ever_and_small(visit: Visit):
    found = re.findall(r'(?:src|href)="(/static/[^"]+)"', await visit.page("/"))

    assert len(found) == 4
    for path in set(found):
        answer = await visit.http.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", ["/", "/changed"])
async def test_who_is_not_signed_in_goes_to_the_login(visit: Visit, path: str):
    visit.keeper.who = None

    whole = await visit.http.request("POST" if path != "/" else "GET", path)
    piece = await visit.http.get("/", headers={"HX-Request": "true", "HX-Current-URL": f"{URL}/audit?page=2"})

    assert (whole.status_code, whole.headers["location"]) == (303, "/login?then=%2F")
    assert (piece.status_code, piece.headers["hx-redirect"]) == (401, "/login?then=%2Faudit%3Fpage%3D2")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": "another"},
        {"X-CSRF-Token": "csrf-of-ada", "Origin": "https://evil.example"},
        {"X-CSRF-Token": "csrf-of-ada", "Origin": "null"},
        {"X-CSRF-Token": "csrf-of-ada", "Sec-Fetch-Site": "same-site"},
        {"X-CSRF-Token": "csrf-of-ada", "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_a_change_that_was_not_sent_from_our_page_is_refused(visit: Visit, headers: dict[str, str]):
    answer = await visit.http.post("/changed", data={"what": "a stranger"}, headers=headers)

    assert answer.status_code == 403
    assert "csrf" in answer.text


async def test_a_change_from_our_page_is_made(visit: Visit):
    assert (await visit.send("/changed", what="ada")).text == "changed by ada"


async def test_a_role_that_does_not_reach_is_told(visit: Visit):
    visit.as_role("viewer")

    answer = await visit.send("/changed", what="a viewer")

    assert answer.status_code == 403
    assert "your role may not change registry" in answer.text


async def test_what_is_drastic_asks_to_sign_in_again(visit: Visit):
    assert (await visit.send("/drastic")).text == "ada@example.org"

    visit.as_role("admin", ago=NOW - NOW.replace(hour=11))

    assert (await visit.send("/drastic")).headers["hx-redirect"] == "/login?then=%2F&fresh=1"


async def test_what_the_gateway_refused_is_shown_with_its_fix(visit: Visit):
    answer = await visit.http.get("/refused")

    assert answer.status_code == 409
    assert "it was changed meanwhile" in answer.text
    assert "load it again" in answer.text


async def test_a_form_that_is_too_large_is_refused(visit: Visit):
    assert (await visit.send("/changed", what="a" * 300_000)).status_code == 400


@pytest.mark.parametrize("address", ["//evil.example/x", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb", ""])
def test_one_comes_back_to_this_host_or_to_the_first_page(address: str):
    assert local(address) == "/"


def test_one_comes_back_to_the_page_one_was_on():
    assert local("/audit?page=2") == local(f"{URL}/audit?page=2") == "/audit?page=2"


async def test_the_gateway_that_is_away_says_so(db: Pool):
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    def asking(site: Site) -> Sequence[Route]:
        async def ask(request: Request) -> Response:
            return PlainTextResponse(str(await site.gateway.get(request.state.operator, "/v1/whoami")))

        return [Route("/", ask)]

    async with visiting([asking], db, away) as visit:
        answer = await visit.http.get("/")

    assert answer.status_code == 502
    assert "the gateway cannot be reached" in answer.text
