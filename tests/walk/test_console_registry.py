"""An admin makes a connector, a link and a policy by the console's pages on a real gateway; what was typed as a secret is nowhere in clear."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.store.database import connect
from services.console import assets
from services.console.gateway import Gateway
from services.console.operator import Operator
from services.console.pages import connectors, links, policies
from services.console.rendering import Renderer
from services.console.site import Site, application
from services.dev import seed
from services.dev.demo import BROKER, DATABASE
from tests.console.conftest import MAY, URL, Keeper
from tests.support.demo import BROKER_PASSWORD
from tests.support.town import Town, town_of_the_module
from tests.support.waiting import until
from tests.walk.test_canary import spellings

own = town_of_the_module
NAME = "postgres/demo-2"
FORBID = 'forbid (principal in Project::"registry-walk", action == Action::"mint", resource == Connector::"postgres/demo-2");\n'


@dataclass
class Browser:
    """Without script. Keeps what it was sent."""

    http: httpx.AsyncClient
    seen: list[str] = field(default_factory=list)

    async def page(self, path: str, **query: str) -> str:
        answer = await self.http.get(path, params=query or None)
        self.seen.append(answer.text)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def send(self, path: str, **form: str) -> httpx.Response:
        answer = await self.http.post(path, data=form, headers={"X-CSRF-Token": "csrf", "HX-Request": "true"})
        self.seen.append(answer.text + str(answer.headers))
        return answer

    async def twice(self, first: str, second: str, **form: str) -> httpx.Response:
        """What would change, then the change of the very same form."""
        shown = (await self.send(first, **form)).text
        given = {name: shown.partition(f'name="{name}" value="')[2].partition('"')[0] for name in ("seen", "revision")}
        assert given["seen"], shown
        return await self.send(second, **form | given | {"step": "make"})


@asynccontextmanager
async def signed_in(town: Town) -> AsyncIterator[Browser]:
    """With the admin's own token, which the gateway checks."""
    now = datetime.now(UTC)
    token = Secret(await seed.admin_token(town.http, town.plan))
    admin = Operator("admin", "admin", frozenset(MAY["admin"]), token, "csrf", now, now + timedelta(hours=1))
    db, found = await connect(Secret(town.plan.dsns["console"]), name="console-walk"), dict(assets.assets())
    async with httpx.AsyncClient(base_url=town.plan.url, trust_env=False) as gateway:
        site = Site(db, Gateway(gateway), Renderer(found, development=True), lambda: datetime.now(UTC), URL, town.plan.url)
        app = application(site, Keeper(admin), [connectors.pages, links.pages, policies.pages], found)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as http:
            yield Browser(http)
    await db.close()


async def entry(town: Town, kind: str, name: str) -> bool:
    async with town.sql() as db:
        return bool(await db.fetchval("SELECT EXISTS (SELECT FROM registry_entry WHERE kind = $1 AND name = $2)", kind, name))


async def ask(town: Town) -> httpx.Response:
    return await town.ask(await town.id_token("registry-walk"), audience=NAME, scope="read", requested_lifetime=60)


async def everything_stored(town: Town) -> bytes:
    found = []
    async with town.sql() as db:
        for row in await db.fetch("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"):
            found += [one["text"].encode() for one in await db.fetch(f"SELECT t::text AS text FROM {row['relname']} t")]  # noqa: S608 - names of tables
    return b"\n".join(found)


async def test_a_connector_a_link_and_a_policy_are_made_page_by_page(town: Town, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    host, port = town.plan.postgres
    async with signed_in(town) as browser:
        form = {"provider": "postgres", "called": "demo-2", "config.host": host, "config.port": str(port), "config.database": DATABASE,
                "config.broker": BROKER, "config.schemas": "shop", "scopes": "read", "secret.password": BROKER_PASSWORD}  # fmt: skip
        made = await browser.twice("/connectors/new", "/connectors/new", **form)
        assert made.headers.get("HX-Redirect") == f"/connectors/{NAME}", made.text
        assert "each credential is ended at the provider" in await browser.page(f"/connectors/{NAME}")

        where = {"connector": NAME, "project": "registry-walk", "environments": "production", "scopes": "read", "longest": "5m"}
        assert (await browser.twice("/links/look", "/links/save", **where)).status_code == 204
        assert "registry-walk" in await browser.page("/links", project="registry-walk")
        assert "would get it" in (await browser.send(f"/connectors/{NAME}/try", whose="registry-walk/production", scopes="read", lifetime="1m")).text

        async def lends() -> bool:
            return (await ask(town)).status_code == 200

        await until(lends)

        wrong = (await browser.send("/policies/try", called="no-walk", cedar="forbid (principal, action, resource) when { context.nothing };")).text
        assert "It would be refused." in wrong
        assert not await entry(town, "policy", "no-walk")
        tried = (await browser.send("/policies/try", called="no-walk", cedar=FORBID)).text
        assert "would newly deny" in tried
        assert "would newly deny 0" not in tried
        assert (await browser.twice("/policies/try", "/policies/save", called="no-walk", cedar=FORBID)).status_code == 204

        async def denied() -> bool:
            return (await ask(town)).status_code == 400

        await until(denied)
        registered = (("connector", NAME), ("link", f"registry-walk/production->{NAME}"), ("policy", "no-walk"))
        assert [one for one in registered if not await entry(town, *one)] == []
        stored = await everything_stored(town)
        where_it_may_be = [stored, town.logs(), caplog.text.encode(), "\n".join(browser.seen).encode()]
        assert b"demo-2" in stored
        assert [word for word in spellings(BROKER_PASSWORD.encode()) for text in where_it_may_be if word in text] == []


async def test_who_was_slower_is_told_and_overwrites_nothing(town: Town):
    where = {"connector": "postgres/demo", "project": "slow-walk", "environments": "production", "scopes": "read", "longest": "5m"}
    async with signed_in(town) as browser:
        shown = (await browser.send("/links/look", **where)).text
        given = {name: shown.partition(f'name="{name}" value="')[2].partition('"')[0] for name in ("seen", "revision")}
        ceiling = {"scopes": ["write"], "longest": 60}
        await town.apply({"kind": "link", "connector": "postgres/demo", "project": "slow-walk", "environments": ["production"], "ceiling": ceiling})

        late = await browser.send("/links/save", **where, **given)

        assert late.status_code == 412
        assert "there is one by that name already" in late.text
        assert "<code>precondition_failed</code>" in late.text
