"""Three exchanges, through the real doors, for a log that has none: granted, denied, and revoked. So no page of the console is empty."""

from contextlib import suppress

import asyncpg
import httpx

from counterfoil.client.client import Client
from counterfoil.client.errors import CounterfoilError, Denied
from services.dev.seed import CONNECTOR
from services.dev.town import Plan
from services.dev.trouble import told

LIFETIME = 900
# Stops at the first: where there is one, it is near the beginning.
ANY = "SELECT EXISTS (SELECT FROM audit_leaf WHERE convert_from(bytes, 'UTF8') LIKE '%\"identity.%')"


async def exchanges(plan: Plan) -> bool:
    """Whether they were made now."""
    ours = await asyncpg.connect(plan.superuser_dsn, database=plan.database)
    try:
        there = bool(await ours.fetchval(ANY))
    finally:
        await ours.close()
    if not there:
        fix = f"read the logs in {plan.folder / 'logs'}, then run the command again."
        with told("the first exchanges could not be made", fix, CounterfoilError):
            await made(plan)
    return not there


async def made(plan: Plan) -> None:
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http, Client(plan.url, await token(http, plan), "http", http=http) as client:
        await client.exchange(CONNECTOR, scopes=["read"], lifetime=LIFETIME)
        with suppress(Denied):
            await client.exchange(CONNECTOR, scopes=["drop"])
        lent = await client.exchange(CONNECTOR, scopes=["read"], lifetime=LIFETIME)
        await client.revoke(lent)


async def token(http: httpx.AsyncClient, plan: Plan) -> str:
    asked = {"project": "web", "environment": "production", "audience": plan.url}
    return (await http.get(f"{plan.issuer}/id-token", params=asked)).raise_for_status().text.strip()
