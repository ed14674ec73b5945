"""A person's own key, through every process: asked for on a page, pasted, lent, forgotten; and no key lies anywhere that could be read."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from counterfoil import User
from counterfoil.client.errors import ConsentRequired
from tests.support.person import person
from tests.support.town import Town
from tests.support.waiting import until
from tests.walk.test_canary import hits, places

KEY = "canary-pasted/5up3r-s3cr3t+="


@pytest.fixture
async def crm(town: Town) -> str:
    """A connector without any root secret."""
    name = f"static/d{uuid4().hex[:8]}"
    entries = [
        {"kind": "connector", "name": name, "config": {"people": True, "header": "X-Api-Key"}, "scopes": ["contacts"]},
        {"kind": "link", "connector": name, "project": "web", "environments": ["production"],
         "ceiling": {"scopes": ["contacts"], "longest": 3600, "users": True}},
    ]  # fmt: skip
    applied = await town.http.post(f"{town.plan.url}/v1/registry", json={"entries": entries}, headers=await town.admin())
    assert applied.is_success, applied.text

    async def known() -> bool:
        return "url" in (await asks(town, name, "nobody")).json()

    await until(known)
    return name


async def asks(town: Town, crm: str, user: str, **more: Any) -> httpx.Response:
    return await town.ask(audience=crm, scope="contacts", requested_subject=user, requested_lifetime=300, **more)


async def pastes(url: str, key: str) -> httpx.Response:
    async with person() as ada:
        shown = await ada.http.get(url)
        state = re.search(r'name=state value="([^"]+)"', shown.text)
        assert state, shown.text
        return await ada.http.post(url, data={"state": state[1], "key": key})


async def test_a_key_is_pasted_lent_and_forgotten_and_shows_nowhere(town: Town, crm: str):
    async with town.client("http") as cf:
        with pytest.raises(ConsentRequired) as raised:
            await cf.get_token(crm, ["contacts"], subject=User("u-1"))
        page = await pastes(raised.value.url or "", KEY)
        assert (page.status_code, "may now act for you" in page.text) == (200, True), page.text
        lent = await cf.get_token(crm, ["contacts"], subject=User("u-1"))
    assert (lent.reveal(), lent.parts()) == (KEY, {"header": "X-Api-Key"})
    assert (await asks(town, crm, "u-2")).json()["code"] == "consent_required"

    headers = {"Authorization": f"Bearer {await town.id_token()}"}
    grants = f"{town.plan.url}/v1/grants"
    (grant,) = (await town.http.get(grants, params={"connector": crm, "user": "u-1"}, headers=headers)).json()["grants"]
    await town.http.delete(f"{grants}/{grant['grant_id']}", headers=headers)

    async def forgotten() -> str | None:
        found = (await town.http.get(f"{grants}/{grant['grant_id']}", headers=headers)).json()
        return str(found["last_error"]) if found["state"] == "ended" else None

    assert await until(forgotten) == "rotate_at_provider"
    assert (await asks(town, crm, "u-1")).json()["code"] == "consent_required"
    assert hits(await places(town), [("the pasted key", KEY.encode())]) == []
