"""A provider that falls silent: whoever asks for another, or ends what another lent, does not notice."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest

from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from services.dev import demo
from services.dev.ports import HOST, free_port
from tests.faults.proxy import Proxy
from tests.support.demo import BROKER_PASSWORD
from tests.support.town import Town
from tests.support.waiting import until

FAR = "postgres/far"
ROUNDS, MANY = 3, 40
"""MANY: more than are ended at once for one connector (revoke_handlers.AT_ONCE)."""


@pytest.fixture(name="far", scope="module")
async def the_same_server_behind_a_proxy(town: Town) -> AsyncIterator[Proxy]:
    async with Proxy(free_port(), town.plan.postgres[1]) as proxy:
        mint_key = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).raise_for_status().json()["mint_key"]["key"]
        info = binding.root(FAR, "default", "password", 1)
        sealed = to_url(Sealer().seal(Secret(BROKER_PASSWORD), from_url(mint_key.encode()), info)).decode()
        secret = {"connector": FAR, "installation": "default", "field": "password", "version": 1, "sealed": sealed}
        entries: list[dict[str, Any]] = [
            {"kind": "connector", "name": FAR, "config": demo.config(HOST, proxy.port, 1), "scopes": ["read"]},
            {"kind": "link", "connector": FAR, "project": "web", "environments": ["production"], "ceiling": {"scopes": ["read"], "longest": 600}},
        ]
        answer = await town.http.post(f"{town.plan.url}/v1/registry", json={"entries": entries, "secrets": [secret]}, headers=await town.admin())
        answer.raise_for_status()
        yield proxy


async def lent(town: Town, connector: str) -> httpx.Response:
    return await town.ask(audience=connector, scope="read")


async def lent_at_last(town: Town) -> str | None:
    """After a silence the first connections are broken ones."""
    answer = await lent(town, FAR)
    return str(answer.json()["credential_id"]) if answer.is_success else None


async def counted(town: Town, state: str) -> int:
    async with town.sql() as db:
        found: int = await db.fetchval("SELECT count(*) FROM mint WHERE connector = $1 AND state = $2", FAR, state)
        return found


async def test_whoever_asks_for_another_does_not_wait_and_what_waits_is_answered(town: Town, far: Proxy):
    assert (await lent(town, "postgres/demo")).status_code == 200
    assert any([await answered_before_the_silent(town, far) for _ in range(ROUNDS)])
    assert await counted(town, "minting") == 0


async def answered_before_the_silent(town: Town, far: Proxy) -> bool:
    """Where batches wait for one another it never is. Here it is, unless the machine takes seconds for an exchange."""
    far.dropping = True
    silenced = [asyncio.create_task(lent(town, FAR)) for _ in range(MANY)]
    await until(partial(has, town, "minting"))
    assert (await lent(town, "postgres/demo")).status_code == 200
    before = not any(one.done() for one in silenced)
    answers = await asyncio.gather(*silenced)
    far.fair()
    assert {answer.status_code for answer in answers} == {502}
    assert {answer.json()["code"] for answer in answers} <= {"provider_unavailable", "provider_unknown"}
    return before


async def has(town: Town, state: str) -> bool:
    return await counted(town, state) > 0


async def test_whoever_ends_what_another_lent_does_not_wait_and_nothing_is_forgotten(town: Town, far: Proxy):
    theirs = [await until(partial(lent_at_last, town)) for _ in range(MANY)]
    ours = [(await lent(town, "postgres/demo")).json()["credential_id"] for _ in range(3)]
    far.dropping = True
    await asyncio.gather(*(order(town, one) for one in theirs))
    await until(partial(has, town, "revoking"))
    for one in ours:
        await order(town, one)
        await until(partial(all_revoked, town, [one]))
    ended_by_then = await counted(town, "revoked")
    far.fair()

    assert ended_by_then == 0
    await until(partial(all_revoked, town, theirs))


async def order(town: Town, credential_id: str) -> None:
    body = {"predicate": {"credential_id": credential_id}, "cause": "test"}
    (await town.http.post(f"{town.plan.url}/v1/revocations", json=body, headers=await town.admin())).raise_for_status()


async def all_revoked(town: Town, ids: list[str]) -> bool:
    async with town.sql() as db:
        return bool(await db.fetchval("SELECT bool_and(state = 'revoked') FROM mint WHERE credential_id = ANY($1::uuid[])", ids))
