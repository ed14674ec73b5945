"""One provider that never answers: whoever asks for another does not notice, and what it holds up is answered in time."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from counterfoil.wire import binding
from counterfoil.wire.armor import from_url, to_url
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from services.dev import demo
from services.dev.ports import HOST
from tests.support.town import Town

SILENT = "postgres/silent"
MANY = 40


@pytest.fixture(name="silent")
async def a_server_that_takes_connections_and_says_nothing(town: Town) -> AsyncIterator[None]:
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), HOST, 0)
    port = server.sockets[0].getsockname()[1]
    mint_key = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).raise_for_status().json()["mint_key"]["key"]
    sealed = Sealer().seal(Secret("irrelevant"), from_url(mint_key.encode()), binding.root(SILENT, "default", "password", 1))
    secret = {"connector": SILENT, "installation": "default", "field": "password", "version": 1, "sealed": to_url(sealed).decode()}
    entries: list[dict[str, Any]] = [
        {"kind": "connector", "name": SILENT, "config": demo.config(HOST, port, 1), "scopes": ["read"]},
        {"kind": "link", "connector": SILENT, "project": "web", "environments": ["production"], "ceiling": {"scopes": ["read"], "longest": 600}},
    ]
    answer = await town.http.post(f"{town.plan.url}/v1/registry", json={"entries": entries, "secrets": [secret]}, headers=await town.admin())
    answer.raise_for_status()
    yield
    for writer in held:
        writer.close()
    server.close()


@pytest.mark.usefixtures("silent")
async def test_a_provider_that_never_answers_holds_up_nobody_elses(town: Town):
    token, order = await town.id_token(), list[str]()

    async def ask(connector: str, scope: str) -> httpx.Response:
        answer = await town.ask(token, audience=connector, scope=scope)
        order.append(connector)
        return answer

    await ask("postgres/demo", "read")  # both connectors' snapshot is there
    order.clear()
    silenced = [asyncio.create_task(ask(SILENT, "read")) for _ in range(MANY)]
    while not await open_at(town, SILENT):  # noqa: ASYNC110 - it is the service that changes it
        await asyncio.sleep(0.02)
    for _ in range(3):  # one after the other: each would wait for a batch that cannot go on
        assert (await ask("postgres/demo", "read")).status_code == 200
    done_by_then = order.count(SILENT)
    answers = await asyncio.gather(*silenced)

    assert done_by_then == 0
    assert {answer.status_code for answer in answers} == {502}
    assert {answer.json()["code"] for answer in answers} <= {"provider_unavailable", "provider_unknown"}
    assert await open_at(town, SILENT) == 0


async def open_at(town: Town, connector: str) -> int:
    async with town.sql() as db:
        found: int = await db.fetchval("SELECT count(*) FROM mint WHERE connector = $1 AND state = 'minting'", connector)
        return found
