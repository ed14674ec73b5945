"""Connectors of the provider oauth2 in a town, made as an operator would make them, and what comes of what they lend."""

from typing import Any
from uuid import uuid4

from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from tests.support.town import Town
from tests.support.waiting import until


async def connect(town: Town, config: dict[str, Any], secret: str, *, users: bool = False) -> str:
    """A connector of its own for each test, with a link, as an operator would make it."""
    name = f"oauth2/d{uuid4().hex[:8]}"
    key = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).json()["mint_key"]["key"]
    sealed = Sealer().seal(Secret(secret), from_url(key.encode()), binding.root(name, "default", "secret", 1))
    ceiling = {"scopes": ["read", "write", "no-such-scope"], "longest": 3600, "users": users}
    entries = [
        {"kind": "connector", "name": name, "config": config, "scopes": ["read"]},
        {"kind": "link", "connector": name, "project": "web", "environments": ["production"], "ceiling": ceiling},
    ]
    root = {"connector": name, "installation": "default", "field": "secret", "version": 1, "sealed": to_url(sealed).decode()}
    body = {"entries": entries, "secrets": [root]}
    applied = await town.http.post(f"{town.plan.url}/v1/registry", json=body, headers=await town.admin())
    assert applied.is_success, applied.text

    async def known() -> bool:
        asked = await town.ask(audience=name, scope="write", requested_lifetime=3601)
        return bool(asked.json()["code"] != "denied")

    await until(known)
    return name


async def settled(town: Town, connector: str, state: str) -> dict[str, Any]:
    """The connector's one credential, once it has come to this."""

    async def so() -> bool:
        async with town.sql() as db:
            return [one["state"] for one in await db.fetch("SELECT state FROM mint WHERE connector = $1", connector)] == [state]

    await until(so)
    async with town.sql() as db:
        found = await db.fetchrow("SELECT m.*, r.cause FROM mint m JOIN revocation r USING (credential_id) WHERE connector = $1", connector)
    return dict(found)
