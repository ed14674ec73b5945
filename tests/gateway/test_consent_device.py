"""A code to type in at the provider is begun on a page, and shown on it once mint has one, in this browser alone. Mint is not here."""

import json

import httpx
import pytest

from counterfoil.contracts.consent_returned import ConsentReturned
from tests.gateway.bus import Keys
from tests.gateway.conftest import Town
from tests.gateway.test_consent_pasted import asked, brought, crm, mint_settles, opened

__all__ = ["crm"]
CODE = """INSERT INTO consent_device (consent_id, user_code, url, complete, pace, next_at, kek_id, wrapped_key, nonce, box)
SELECT consent_id, 'WD<JB', 'https://as.example/device', $1, '5 s', now(), '', '', '', '' FROM consent"""


@pytest.fixture
async def device(crm: Town) -> Town:
    await crm.root.execute("UPDATE consent_place SET way = 'device', url = ''")
    return crm


async def begun(town: Town) -> str:
    """The address of the page that waits."""
    path = await asked(town)
    answer = await town.http.post(path, data=await opened(town, path))
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(path)
    return str(answer.headers["location"])


async def test_opened_alone_it_begins_nothing_and_says_who_asks(device: Town):
    shown = await device.http.get(await asked(device))

    assert all(word in shown.text for word in ("web (production)", "static/crm", "contacts", "<button"))
    assert "<input id=key" not in shown.text
    assert "form-action 'self'" in shown.headers["content-security-policy"]
    assert device.sent == []


async def test_begun_it_comes_again_until_there_is_a_code_and_until_it_is_settled(device: Town, keyed: tuple[object, Keys]):
    page = await begun(device)
    assert brought(device, keyed[1]) == [{"device": "begins"}]
    (out,) = device.sent
    assert isinstance(out.fact, ConsentReturned)

    waits = await device.http.get(page)
    assert ("One moment" in waits.text, "http-equiv=refresh" in waits.text) == (True, True)
    await device.root.execute("UPDATE consent SET outcome = 'redeeming'")
    assert "One moment" in (await device.http.get(page)).text

    await device.root.execute(CODE, 'https://as.example/device?c="WD')
    shown = await device.http.get(page)
    assert all(word in shown.text for word in ("WD&lt;JB", 'href="https://as.example/device?c=&quot;WD"', "http-equiv=refresh"))

    await mint_settles(device, "granted")
    done = await device.http.get(page)
    assert ("may now act for you" in done.text, "http-equiv=refresh" in done.text) == (True, False)
    assert (await device.http.get(page)).status_code == 404


async def test_without_a_link_that_has_the_code_in_it_the_page_is_linked(device: Town):
    page = await begun(device)
    await device.root.execute("UPDATE consent SET outcome = 'redeeming'")
    await device.root.execute(CODE, None)

    assert 'href="https://as.example/device"' in (await device.http.get(page)).text


async def test_another_browser_sees_no_code_and_begins_nothing(device: Town):
    page = await begun(device)
    await device.root.execute("UPDATE consent SET outcome = 'redeeming'")
    await device.root.execute(CODE, None)
    elsewhere = httpx.AsyncClient(transport=httpx.ASGITransport(app=device.app), base_url="http://gateway.test")

    async with elsewhere as mallory:
        looks, posts = await mallory.get(page), await mallory.post(page, data={"state": "x"})
        guesses = await mallory.get(page, headers={"Cookie": "counterfoil-consent=x"})

    assert (looks.status_code, guesses.status_code, posts.status_code, len(device.sent)) == (404, 404, 400, 1)
    assert "WD" not in looks.text + guesses.text + posts.text


async def test_who_does_not_want_to_says_so_and_a_code_that_ran_out_is_over(device: Town, keyed: tuple[object, Keys]):
    path = await asked(device)
    await device.http.post(path, data=await opened(device, path) | {"no": "no"})
    assert brought(device, keyed[1]) == [{"error": "access_denied"}]

    page = await begun(device)
    await device.root.execute("UPDATE consent SET outcome = 'redeeming', expires_at = now() - interval '2 minutes'")
    assert (await device.http.get(page)).status_code == 404


async def test_back_in_the_app_from_the_page_that_waits(device: Town):
    path = await asked(device, return_to="https://app.example/done")
    page = (await device.http.post(path, data=await opened(device, path))).headers["location"]
    await mint_settles(device, "refused", message=json.dumps("no"))

    back = await device.http.get(page)

    assert (back.status_code, back.headers["location"].startswith("https://app.example/done?consent=")) == (303, True)
