"""On behalf of a person by a code that they type in elsewhere (RFC 8628), through every process, at a real authorization server."""

import re
from typing import Any

import httpx
import pytest

from counterfoil import User
from counterfoil.client.errors import ConsentRequired
from tests.support.oauth2 import connect
from tests.support.oidc import SECRETS, Oidc
from tests.support.person import Person, person
from tests.support.town import Town
from tests.support.waiting import until
from tests.walk.test_canary import hits, places


@pytest.fixture
async def crm(town: Town, oidc: Oidc) -> str:
    name = await connect(town, oidc.config("device", people=True, people_by="device"), SECRETS["device"], users=True)

    async def placed() -> bool:
        async with town.sql() as db:
            return bool(await db.fetchval("SELECT EXISTS (SELECT FROM consent_place WHERE connector = $1 AND way = 'device')", name))

    await until(placed)
    return name


async def code_of(ada: Person, url: str) -> tuple[str, str]:
    """The page that waits, and the link on it."""
    first = await ada.http.get(url)
    state = re.search(r'name=state value="([^"]+)"', first.text)
    assert state, first.text
    page = str((await ada.http.post(url, data={"state": state[1]})).headers["location"])
    waits = str(httpx.URL(url).join(page))

    async def shown() -> str | None:
        found = re.search(r'href="([^"]+)"', (await ada.http.get(waits)).text)
        return found[1] if found else None

    return waits, await until(shown)


async def comes_to(ada: Person, page: str) -> httpx.Response:
    async def over() -> httpx.Response | None:
        found = await ada.http.get(page)
        return None if "http-equiv=refresh" in found.text else found

    return await until(over)


async def asks(town: Town, crm: str, user: str, **more: Any) -> httpx.Response:
    return await town.ask(audience=crm, scope="read", requested_subject=user, requested_lifetime=300, **more)


async def test_a_person_types_a_code_in_and_what_is_lent_is_theirs(town: Town, oidc: Oidc, crm: str):
    async with town.client("http") as cf, person() as ada:
        with pytest.raises(ConsentRequired) as raised:
            await cf.get_token(crm, ["read"], subject=User("u-1"))
        page, link = await code_of(ada, raised.value.url or "")
        async with town.sql() as db:
            lies = await db.fetchrow("SELECT * FROM consent_device")
        assert lies["user_code"] in link
        await ada.agrees(link)
        told = await comes_to(ada, page)
        assert (told.status_code, "may now act for you" in told.text) == (200, True), told.text
        lent = await cf.get_token(crm, ["read"], subject=User("u-1"))

    found = await oidc.says(lent.reveal())
    assert (found["active"], found["sub"], found["scope"]) == (True, "ada", "read")
    async with town.sql() as db:
        assert await db.fetchval("SELECT count(*) FROM consent_device") == 0
    assert hits(await places(town), [("what was lent", lent.reveal().encode())]) == []


async def test_who_aborts_there_has_given_nothing(town: Town, crm: str):
    url = (await asks(town, crm, "u-2")).json()["url"]
    async with person() as ada:
        page, link = await code_of(ada, url)
        confirm = await ada.http.get(link)
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', confirm.text))
        await ada.http.post(link.partition("?")[0], data=fields | {"abort": "yes"})
        told = await comes_to(ada, page)

    assert (told.status_code, "Nothing was given" in told.text) == (403, True), told.text
    assert (await asks(town, crm, "u-2")).json()["code"] == "consent_required"
