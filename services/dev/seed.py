"""The demo's registry: what an operator of a new installation would declare, through the same door."""

from pathlib import Path
from typing import Any

import asyncpg
import httpx

from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from services.dev import demo
from services.dev.town import Plan
from services.dev.trouble import Trouble, told

CONNECTOR, INSTALLATION = "postgres/demo", "default"


def entries(plan: Plan, iterations: int = demo.ITERATIONS) -> list[dict[str, Any]]:
    return [
        {
            "kind": "issuer", "name": "local", "issuer": plan.issuer, "project": {"claim": "project"}, "environment": {"claim": "environment"},
        },
        {"kind": "operator", "issuer": plan.issuer, "subject": "admin", "role": "admin"},
        {"kind": "connector", "name": CONNECTOR, "config": demo.config(*plan.postgres, iterations, sole=plan.sole), "scopes": ["read"]},
        {
            "kind": "link", "connector": CONNECTOR, "project": "web", "environments": ["production"],
            "ceiling": {"scopes": ["read", "write"], "details": [{"type": "postgres", "schemas": "*", "tables": "*", "actions": "*"}],
                        "longest": 3600},
        },
    ]  # fmt: skip


async def same_issuer(plan: Plan) -> None:
    """A registry that is there already trusts the issuer of the run that made it, and no other may change that."""
    ours = await asyncpg.connect(plan.superuser_dsn, database=plan.database)
    try:
        known = await ours.fetchval("SELECT entry ->> 'issuer' FROM registry_entry WHERE kind = 'issuer' AND name = 'local'")
    finally:
        await ours.close()
    if known not in (None, plan.issuer):
        port = known.rpartition(":")[2]
        fix = f"run it with COUNTERFOIL_ISSUER_PORT={port}, or start with an empty folder: --folder."
        raise Trouble(f"the registry in this data trusts the local issuer {known}, and this run's is {plan.issuer}", fix)


async def admin_token(http: httpx.AsyncClient, plan: Plan) -> str:
    asked = {"project": "operations", "environment": "production", "sub": "admin", "audience": plan.url}
    answer = await http.get(f"{plan.issuer}/id-token", params=asked)
    return answer.raise_for_status().text.strip()


async def next_version(http: httpx.AsyncClient, plan: Plan, token: str) -> int:
    """A secret's version is part of what its seal is bound to."""
    answer = await http.get(f"{plan.url}/v1/connectors", headers={"Authorization": f"Bearer {token}"})
    known = {one["name"]: one.get("secrets", {}) for one in answer.raise_for_status().json()["connectors"]}
    return int(known.get(CONNECTOR, {}).get("password", 0)) + 1


async def sow(plan: Plan, broker: str, iterations: int = demo.ITERATIONS) -> None:
    """Running it again changes nothing but the broker's password, which is new with every run."""
    fix = f"read gateway.log and issuer.log in {plan.folder / 'logs'}, then run the command again."
    with told("the demo's registry could not be declared", fix, httpx.HTTPError):
        await declare(plan, broker, iterations)


async def declare(plan: Plan, broker: str, iterations: int) -> None:
    async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
        known = (await http.get(f"{plan.url}/.well-known/counterfoil")).raise_for_status().json()
        token = await admin_token(http, plan)
        version = await next_version(http, plan, token)
        info = binding.root(CONNECTOR, INSTALLATION, "password", version)
        sealed = Sealer().seal(Secret(broker), from_url(known["mint_key"]["key"].encode()), info)
        secret = {"connector": CONNECTOR, "installation": INSTALLATION, "field": "password", "version": version, "sealed": to_url(sealed).decode()}
        body = {"entries": entries(plan, iterations), "secrets": [secret]}
        answer = await http.post(f"{plan.url}/v1/registry", json=body, headers={"Authorization": f"Bearer {token}"})
    if answer.is_error:
        raise Trouble(
            f"the demo's registry was refused: {answer.status_code} {answer.text[:300]}", f"read {Path(plan.folder, 'logs', 'gateway.log')}"
        )
