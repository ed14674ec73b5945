"""What is measured: all that `make up` starts, a process per service, on free ports and in a folder that goes away."""

import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from counterfoil.client.client import Client
from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from services.dev import database, demo, kafka, postgres, seed, town
from services.dev.bench import apart
from services.dev.children import Children
from services.dev.ports import HOST, free_port
from services.dev.town import SERVICES, Plan
from services.dev.trouble import Say, Trouble

INSTANT = "instant/bench"
EXTRA = {"COUNTERFOIL_EXTRA_PROVIDERS": "instant"}
PROVIDERS = {role: ("services.dev.bench.providers", role) for role in ("mint", "revoke")}


@dataclass
class Stand:
    """`ready_after`: seconds from nothing to the first answer."""

    plan: Plan
    children: Children
    broker: str
    ready_after: float = 0.0

    @property
    def pids(self) -> Mapping[str, int]:
        return self.children.pids()

    @asynccontextmanager
    async def sql(self, name: str | None = None) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.plan.superuser_dsn, database=name or self.plan.database)
        try:
            yield connection
        finally:
            await connection.close()


@asynccontextmanager
async def standing(say: Say) -> AsyncIterator[Stand]:
    async with apart.children() as children:
        began = time.monotonic()
        stand = await started(children, say)
        await first_exchange(stand)
        stand.ready_after = time.monotonic() - began
        await instant(stand)
        yield stand


async def started(children: Children, say: Say) -> Stand:
    ports = {part: free_port() for part in ("gateway-http", "issuer", *SERVICES)}
    server = await postgres.start(children, free_port(), say)
    node = await kafka.start(children, free_port(), free_port(), say)
    modules = {**SERVICES, **PROVIDERS}
    plan = Plan(children.folder, node.servers, server.superuser_dsn, (HOST, server.port), ports, modules=modules, extra=EXTRA, sole=True)
    broker = database.password()
    await town.prepare(plan, say)
    await demo.prepare(plan.superuser_dsn, Secret(broker))
    await town.start(plan, children)
    await seed.sow(plan, broker)
    return Stand(plan, children, broker)


async def first_exchange(stand: Stand) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        asked = {"project": "web", "environment": "production", "audience": stand.plan.url}
        token = (await http.get(f"{stand.plan.issuer}/id-token", params=asked)).raise_for_status().text
    async with Client(stand.plan.url, token) as client:
        await client.exchange(seed.CONNECTOR, scopes=["read"], lifetime=60)


async def instant(stand: Stand) -> None:
    """The connector of the provider that mints at once, through the same door as every other."""
    entries: list[dict[str, Any]] = [
        {"kind": "connector", "name": INSTANT, "scopes": ["read"]},
        {"kind": "link", "connector": INSTANT, "project": "web", "environments": ["production"], "ceiling": {"scopes": ["read"], "longest": 3600}},
    ]
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        known = (await http.get(f"{stand.plan.url}/.well-known/counterfoil")).raise_for_status().json()
        info = binding.root(INSTANT, seed.INSTALLATION, "token", 1)
        sealed = Sealer().seal(Secret(secrets.token_urlsafe(16)), from_url(known["mint_key"]["key"].encode()), info)
        secret = {"connector": INSTANT, "installation": seed.INSTALLATION, "field": "token", "version": 1, "sealed": to_url(sealed).decode()}
        token = await seed.admin_token(http, stand.plan)
        answer = await http.post(
            f"{stand.plan.url}/v1/registry", json={"entries": entries, "secrets": [secret]}, headers={"Authorization": f"Bearer {token}"}
        )
    if answer.is_error:
        raise Trouble(f"the bench's connector was refused: {answer.status_code} {answer.text[:300]}", "mend services/dev/bench/stand.py.")
