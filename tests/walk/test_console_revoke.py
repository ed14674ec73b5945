"""An operator ends a project's credentials by the console's pages: seen first, typed, followed to the end, on record, proven; and shown no secret."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import connect
from services.console import assets
from services.console.gateway import Gateway
from services.console.operator import Operator
from services.console.pages import audit, revoke
from services.console.rendering import Renderer
from services.console.site import Site, application
from services.dev import seed
from tests.console.conftest import MAY, URL, Keeper
from tests.console.test_audit import Page
from tests.gateway.conftest import in_database
from tests.support.town import Town
from tests.walk.test_canary import spellings

PROJECT = "console-walk"
LINK = {"kind": "link", "connector": "postgres/demo", "project": PROJECT, "environments": ["production"], "ceiling": {"scopes": ["read"]}}


@dataclass
class Browser:
    """Without script. Keeps what it was sent."""

    http: httpx.AsyncClient
    seen: list[str] = field(default_factory=list)

    async def page(self, path: str, *, piece: bool = False, **query: str) -> str:
        answer = await self.http.get(path, params=query or None, headers={"HX-Request": "true"} if piece else {})
        assert answer.status_code == 200, answer.text
        self.seen.append(answer.text)
        return answer.text

    async def send(self, path: str, **form: str) -> httpx.Response:
        answer = await self.http.post(path, data=form, headers={"X-CSRF-Token": "csrf", "HX-Request": "true"})
        self.seen.append(answer.text + str(answer.headers))
        return answer

    async def until(self, path: str, holds: str, *, piece: bool = False) -> str:
        for _ in range(200):
            page = await self.page(path, piece=piece)
            if re.search(holds, page):
                return page
            await asyncio.sleep(0.1)
        raise AssertionError(page)


@asynccontextmanager
async def signed_in(town: Town) -> AsyncIterator[tuple[Browser, str]]:
    """With the admin's own token, which the gateway checks; and that token."""
    token, now = await seed.admin_token(town.http, town.plan), datetime.now(UTC)
    admin = Operator("admin", "admin", frozenset(MAY["admin"]), Secret(token), "csrf", now, now + timedelta(hours=1))
    db = await connect(Secret(in_database(town.plan.superuser_dsn, town.plan.database, "counterfoil_console")), name="console-walk")
    found = dict(assets.assets())
    async with httpx.AsyncClient(base_url=town.plan.url, trust_env=False) as gateway:
        site = Site(db, Gateway(gateway), Renderer(found, development=True), lambda: datetime.now(UTC), URL, town.plan.url)
        app = application(site, Keeper(admin), [revoke.pages, audit.pages], found)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as http:
            yield Browser(http), token
    await db.close()


async def lent(town: Town) -> dict[str, Any]:
    answer = await town.ask(await town.id_token(PROJECT), scope="read")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
async def browser(town: Town) -> AsyncIterator[tuple[Browser, str]]:
    await town.apply(LINK)
    async with signed_in(town) as found:
        yield found


async def test_a_projects_credentials_are_ended_and_it_is_on_record(town: Town, browser: tuple[Browser, str]):
    one, token = browser
    minted = [await lent(town) for _ in range(3)]

    looked = await one.page("/revoke", project=PROJECT)
    assert "It would hit 3 credentials" in looked
    assert f"{PROJECT} / production: 3" in looked
    refused = await one.send("/revoke", project=PROJECT, typed="something", seen="3")
    assert refused.status_code == 422
    order = (await one.send("/revoke", project=PROJECT, typed=PROJECT, seen="3", cause="a walk")).headers["hx-redirect"]

    await one.until(order, r'data-done="3" data-total="3" data-state="revoked"', piece=True)
    again = await town.ask(await town.id_token(PROJECT), scope="read")
    assert again.json()["code"] == "revoked"
    record = await one.until(f"{order}/record", r"(?s)leaf \d+</a>.*(badge ok.*?/audit/\d+.*?){3}")
    assert "a walk" in record
    assert all(each["credential_id"] in record for each in minted)
    await proven(one, record, minted[0])

    await lifted(one)
    assert (await lent(town))["credential_id"]
    secrets = [token, *(each["access_token"] for each in minted), *(each["credential"]["password"] for each in minted)]
    assert shown(one.seen, secrets) == []
    assert len(shown([*one.seen, f"<p>{secrets[-1]}</p>"], secrets)) > 0


async def proven(one: Browser, record: str, minted: dict[str, Any]) -> None:
    """The order's own leaf, and each end; what a browser would check holds."""
    for index in dict.fromkeys(re.findall(r'href="/audit/(\d+)"', record)):
        page = await one.page(f"/audit/{index}")
        assert Page(page).proven()["seq"] == int(index)
        assert "An end was ordered" in page or "A credential is dead" in page
    timeline = await one.page("/audit", about=minted["credential_id"])
    order = ["A caller proved who it is", "Policy granted it", "A credential was minted", "One credential has to end", "A credential is dead"]
    assert sorted(order, key=lambda words: timeline.index(f"{words}</span>")) == order
    newest = await one.page("/audit", kind="credential.revoked", connector="postgres/demo")
    assert "Looked through leaves" in newest
    assert "index" in (await one.page(f"/audit/{index}/proof"))


async def lifted(one: Browser) -> None:
    page = await one.page("/revoke")
    block = re.findall(rf'hx-post="(/revoke/blocks/[0-9a-f-]+/lift)" hx-target="#stops" aria-label="Lift the block on project {PROJECT}"', page)
    assert len(block) == 1
    assert "The block is lifted" in (await one.send(block[0])).text


def shown(pages: list[str], secrets: list[str]) -> list[str]:
    everything = "\n".join(pages).encode()
    return [secret[:8] for secret in secrets for needle in spellings(secret.encode()) if needle in everything]
