"""The provider that faults keeps what each class promises, meets each fault as it was told, and its record tells the truth of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn

from counterfoil.wire.secret import Secret
from services.dev.ports import HOST, free_port
from services.providers.seam import AlreadyThere, Borrower, Handle, Minted, Order, Provider, ProviderError, Unavailable, Unknown, token_of
from tests.faults.adapter import every
from tests.faults.plan import FAULTS
from tests.faults.server import app
from tests.faults.truth import Life, Truth

ADAPTERS: Mapping[str, Provider] = every()
NAMES = tuple(ADAPTERS)
SHORT = 0.6
"""Seconds: the window of a call here."""


@dataclass
class Desk:
    url: str
    truth: Truth

    async def plan(self, *rules: dict[str, Any]) -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            (await http.post(f"{self.url}/plan", json={"rules": rules})).raise_for_status()

    def config(self, name: str) -> dict[str, object]:
        return {"url": self.url, "connector": f"{name}/main"}

    async def mint(self, name: str, credential_id: UUID | None = None) -> Minted:
        now = datetime.now(UTC)
        closes, expires = now + timedelta(seconds=SHORT), now + timedelta(minutes=1)
        order = Order(
            credential_id or uuid4(),
            f"{name}/main",
            "main",
            self.config(name),
            frozenset({"read"}),
            (),
            expires,
            closes,
            Borrower("5b" * 32, "web", "production"),
        )
        return await ADAPTERS[name].mint(order, {})

    async def end(self, name: str, handle: Handle, token: Secret | None) -> None:
        await ADAPTERS[name].revoke(handle, self.config(name), {}, token)

    def alive(self) -> list[Life]:
        return [life for life in self.truth.lives() if life.alive(datetime.now(UTC).timestamp())]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app(tmp_path), host=HOST, port=port, log_level="critical", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.01)
    yield Desk(f"http://{HOST}:{port}", Truth(tmp_path / "truth.sqlite"))
    server.should_exit = server.force_exit = True
    await running


@pytest.mark.parametrize("name", NAMES)
async def test_what_was_minted_is_alive_until_it_is_ended_and_twice_ended_is_no_error(desk: Desk, name: str):
    minted = await desk.mint(name)
    assert len(desk.alive()) == 1
    for _ in range(2):
        await desk.end(name, minted.handle, token_of(minted))

    assert desk.alive() == []


@pytest.mark.parametrize(("name", "many"), [("fault", 1), ("held", 2), ("cut", 2)])
async def test_only_by_name_is_a_name_given_once(desk: Desk, name: str, many: int):
    same = uuid4()
    await desk.mint(name, same)
    with pytest.raises(AlreadyThere) if many == 1 else nullcontext():
        await desk.mint(name, same)

    assert len(desk.alive()) == many


async def test_by_possession_only_the_token_ends_it(desk: Desk):
    minted = await desk.mint("held")
    async with httpx.AsyncClient(trust_env=False) as http:
        said = await http.post(f"{desk.url}/revoke", json={"name": minted.handle["name"], "connector": "held/main"})

    assert (said.status_code, len(desk.alive())) == (403, 1)
    with pytest.raises(Unavailable):
        await desk.end("held", minted.handle, None)
    assert ADAPTERS["held"].handle(uuid4()) is None


async def test_by_principal_all_that_was_given_until_now_ends_and_what_is_given_later_does_not(desk: Desk):
    first, _ = await desk.mint("cut"), await desk.mint("cut")
    await desk.end("cut", first.handle, None)
    await desk.mint("cut")

    assert (len(desk.alive()), len(desk.truth.lives())) == (1, 3)


OUTCOMES: dict[str, tuple[dict[str, Any], type[ProviderError] | None, int]] = {
    "429": ({}, Unavailable, 0),
    "500": ({}, Unknown, 0),
    "hang": ({"seconds": 1}, Unknown, 0),
    "slow": ({"seconds": 0.1}, None, 1),
    "trickle": ({"seconds": 0.1}, None, 1),
    "trickle, too slowly": ({"seconds": 3}, Unknown, 1),
    "drop": ({}, Unknown, 1),
    "late": ({"seconds": 0.4}, Unknown, 1),
    "late, past the window": ({"seconds": 0.8}, Unknown, 0),
    "twice": ({}, None, 2),
}
"""By fault of a mint: how it is told, what its caller meets, and how many are alive afterwards."""


@pytest.mark.parametrize("what", OUTCOMES)
async def test_a_fault_of_a_mint(desk: Desk, what: str):
    more, raised, alive = OUTCOMES[what]
    await desk.plan({"op": "mint", "fault": what.partition(",")[0], **more})
    try:
        await desk.mint("cut")
        met = None
    except ProviderError as error:
        met = type(error)
    await asyncio.sleep(0.5 if what.startswith("late") else 0)

    assert (met, len(desk.alive())) == (raised, alive)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("fault", "alive"), [("lies", 1), ("fails", 1), ("500", 1), ("429", 1), ("drop", 0)])
async def test_a_fault_of_a_revocation_is_seen_and_over_when_it_is_tried_again(desk: Desk, name: str, fault: str, alive: int):
    minted = await desk.mint(name)
    await desk.plan({"op": "revoke", "fault": fault, "times": 1, "count": 1})
    with pytest.raises((Unknown, Unavailable)):
        await desk.end(name, minted.handle, token_of(minted))
    assert len(desk.alive()) == alive

    await desk.end(name, minted.handle, token_of(minted))

    assert desk.alive() == []


def test_every_fault_of_a_mint_is_tried_here():
    assert {what.partition(",")[0] for what in OUTCOMES} == set(FAULTS["mint"])
