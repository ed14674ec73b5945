"""The locks under which a credential is handed over are held until the broker has it, and whoever may have lost them sends nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from counterfoil_server.runtime.stage import TRANSPORT, Out
from counterfoil_server.runtime.store import locks
from services.audit import fence
from tests.audit.facts import minted
from tests.audit.house import House


@pytest.fixture
async def other(house: House) -> AsyncIterator[asyncpg.Connection]:
    """Whoever fences: a connection of its own."""
    connection = await asyncpg.connect(house.dsn)
    yield connection
    await connection.close()


@dataclass
class Sending:
    """A batch whose answers the broker has not acknowledged yet."""

    house: House
    other: asyncpg.Connection
    connector_id: int
    running: "asyncio.Task[list[Out]]"

    async def free(self) -> list[bool]:
        places = (locks.BLOCKS, self.connector_id)
        return [await self.other.fetchval("SELECT pg_try_advisory_xact_lock($1, $2)", locks.CONNECTORS, lock) for lock in places]

    async def acknowledged(self) -> None:
        assert self.house.ack is not None
        self.house.ack.set_result(None)
        await self.running


@pytest.fixture
async def sending(house: House, other: asyncpg.Connection) -> Sending:
    fact = await house.ledger(minted(house.asked()))
    connector_id = await house.owner.fetchval("SELECT id FROM connector WHERE name = $1", fact.connector)
    began = asyncio.Event()

    async def notice(outs: Sequence[Out]) -> None:
        if outs:
            began.set()

    house.ack, house.hook = asyncio.get_running_loop().create_future(), notice
    running = asyncio.create_task(house.run(fact))
    await began.wait()
    return Sending(house, other, connector_id, running)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence, "AWAY_AFTER", 0.1)


@pytest.mark.parametrize("slow", [0.05, 0.6])
async def test_until_the_broker_has_the_answers_nobody_can_fence(sending: Sending, slow: float):
    """However long that takes: PostgreSQL would take the locks from a transaction that is silent for 0.2 s."""
    await asyncio.sleep(slow)
    during = await sending.free()
    await sending.acknowledged()

    assert (during, await sending.free()) == ([False, False], [True, True])


async def test_a_broker_that_is_away_holds_up_no_fence(impatient: None, sending: Sending):  # noqa: ARG001 - in this order
    await asyncio.sleep(0.8)
    during = await sending.free()
    with pytest.raises(TRANSPORT):
        await sending.acknowledged()

    assert during == [True, True]


async def test_a_process_that_stood_still_after_it_had_looked_sends_nothing(house: House, monkeypatch: pytest.MonkeyPatch):
    fact, look = await house.ledger(minted(house.asked())), fence.Fence._passing

    async def slowly(self: fence.Fence, *about: Any) -> Any:
        found = await look(self, *about)
        time.sleep(0.5)  # noqa: ASYNC251 - all of the process
        return found

    monkeypatch.setattr(fence.Fence, "_passing", slowly)
    with pytest.raises(TRANSPORT):
        await house.run(fact)

    assert house.opened(house.sent) == []


async def test_a_process_that_pauses_under_the_lock_loses_it_and_does_the_batch_again(house: House):
    fact = await house.ledger(minted(house.asked()))

    async def pause(outs: Sequence[Out]) -> None:
        if any(out.topic.name == "exchange.replied" for out in outs):
            time.sleep(0.5)  # noqa: ASYNC251 - all of the process

    house.hook = pause
    with pytest.raises(TRANSPORT):
        await house.run(fact)

    house.hook = None
    (answer,) = house.opened(await house.run(fact))
    assert answer.box == fact.box
    assert await house.doomed(fact) is None
