"""The password that a connector lends by is changed while it lends: first here, then at the server. No mint fails, no revocation either."""

import asyncio
from typing import Any

from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from services.dev import demo
from services.dev.ports import HOST
from tests.support.town import Town
from tests.support.waiting import until

TURNED = "postgres/turned"
BROKER = """CREATE ROLE turned_broker LOGIN CREATEROLE PASSWORD 'first'; GRANT pg_signal_backend TO turned_broker;
    GRANT CONNECT ON DATABASE demo TO turned_broker WITH GRANT OPTION; GRANT USAGE ON SCHEMA shop TO turned_broker WITH GRANT OPTION;
    GRANT SELECT ON ALL TABLES IN SCHEMA shop TO turned_broker WITH GRANT OPTION"""


async def apply(town: Town, password: str, version: int, *entries: dict[str, Any]) -> None:
    mint_key = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).raise_for_status().json()["mint_key"]["key"]
    info = binding.root(TURNED, "default", "password", version)
    sealed = to_url(Sealer().seal(Secret(password), from_url(mint_key.encode()), info)).decode()
    secret = {"connector": TURNED, "installation": "default", "field": "password", "version": version, "sealed": sealed}
    answer = await town.http.post(f"{town.plan.url}/v1/registry", json={"entries": entries, "secrets": [secret]}, headers=await town.admin())
    assert answer.is_success, answer.text


async def test_a_root_secret_is_changed_without_a_failed_mint(town: Town):
    config = {**demo.config(HOST, town.plan.postgres[1], 1), "broker": "turned_broker"}
    async with town.sql("demo") as db:
        await db.execute(BROKER)
        await apply(
            town, "first", 1, {"kind": "connector", "name": TURNED, "config": config, "scopes": ["read"]},
            {"kind": "link", "connector": TURNED, "project": "web", "environments": ["production"], "ceiling": {"scopes": ["read"], "longest": 600}},
        )  # fmt: skip
        bearer = {"Authorization": f"Bearer {await town.id_token()}"}
        changed, said = asyncio.Event(), list[tuple[int, int]]()

        async def borrow() -> None:
            lent = await town.ask(audience=TURNED, scope="read")
            ended = await town.http.post(f"{town.plan.url}/oauth2/revoke", data={"token": lent.json()["credential_id"]}, headers=bearer)
            said.append((lent.status_code, ended.status_code))

        async def on_and_on() -> None:
            while not changed.is_set():
                await borrow()

        async def more() -> None:
            enough = len(said) + 6

            async def there() -> bool:
                return len(said) >= enough

            await until(there)

        apps = [asyncio.create_task(on_and_on()) for _ in range(3)]
        await more()
        await apply(town, "second", 2)
        await asyncio.sleep(2)  # every process knows it, and the server does not
        await more()
        await db.execute("ALTER ROLE turned_broker PASSWORD 'second'")
        await db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'turned_broker' AND state = 'idle'")
        await more()
        changed.set()
        await asyncio.gather(*apps)

    assert set(said) == {(200, 200)}
