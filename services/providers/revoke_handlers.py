"""revocation.ordered -> revocation.settled."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from counterfoil.contracts import revocation_ordered, revocation_settled
from counterfoil.wire.envelope import decode
from counterfoil_server.runtime import crash
from counterfoil_server.runtime.loops import forever
from counterfoil_server.runtime.stage import Emit, Out, Received, Stage
from counterfoil_server.runtime.telemetry.current import within
from counterfoil_server.runtime.telemetry.phases import SINCE
from services.providers.ends import Ends
from services.providers.settlements import Row, Settlement, Settlements

log = logging.getLogger("counterfoil.revoke")
AT_ONCE, LANE, OPEN = 16, 200, 4000
"""Calls at once for a connector; rows that are claimed at once, so few that their lease is not over before they were tried; orders in hand."""
SLOW = 0.05
"""Seconds after which the next batch of orders need not wait for this one."""
TOPIC = revocation_settled.TOPIC
Send = Callable[[Sequence[Out]], Awaitable[Any]]


class Worker:
    """Its own pool: minting cannot starve it, and no connector another. A wake-up is a hint; what is due stands in the rows."""

    def __init__(self, ends: Ends, settlements: Settlements) -> None:
        self._ends, self._settlements = ends, settlements
        self._rooms = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(AT_ONCE))
        self._lanes: dict[str, asyncio.Task[None]] = {}

    async def work(self, ids: Sequence[UUID] | None, causes: dict[UUID, Received], send: Send) -> int:
        """Try what is due, settle and publish as they come. How many were tried."""
        rows = await self._settlements.claim(ids, 500)
        await self._try(rows, causes, send)
        return len(rows)

    async def run(self, send: Send, every: float = 0.5) -> None:
        """Retries, and whatever a process that died has left."""

        async def turn(number: int) -> bool:
            if number % 10 == 0:
                await self._settlements.forget_seals()
                left = await self._settlements.unpublished(timedelta(seconds=5))
                await self._publish([(row["id"], row["settled"]) for row in left], {}, send)
            return await self._open_lanes(send)

        try:
            await forever("revocations", turn, every)
        finally:
            for lane in self._lanes.values():
                lane.cancel()

    async def _open_lanes(self, send: Send) -> bool:
        """What is due, each connector's by itself: one that does not answer holds up its own only. Whether there may be more."""
        due = defaultdict[str, list[Row]](list)
        for row in await self._settlements.claim(None, LANE, tuple(self._lanes)):
            due[row["connector"]].append(row)
        for connector, rows in due.items():
            lane = self._lanes[connector] = asyncio.create_task(self._lane(rows, send))
            lane.add_done_callback(partial(self._lanes.pop, connector))
        return bool(due)

    async def _lane(self, rows: Sequence[Row], send: Send) -> None:
        try:
            await self._try(rows, {}, send)
        except Exception as error:
            log.warning("cut off, and taken again", extra={"connector": rows[0]["connector"], "error": type(error).__name__}, exc_info=error)

    async def _try(self, rows: Sequence[Row], causes: dict[UUID, Received], send: Send) -> None:
        pending = {asyncio.create_task(self._end(row, causes.get(row["credential_id"]))) for row in rows}
        try:
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                await self._say([task.result() for task in done], causes, send)
        finally:
            for task in pending:
                task.cancel()

    async def _end(self, row: Row, cause: Received | None) -> Settlement:
        async with self._rooms[row["connector"]]:
            with within(cause):
                crash.at("revoke.calling")
                ended = await self._ends.end(row)
                crash.at("revoke.called")
                return ended

    async def _say(self, settled: Sequence[Settlement], causes: dict[UUID, Received], send: Send) -> None:
        await self._settlements.settle(settled)
        if any(one.fact for one in settled):
            crash.at("revoke.settled")
        for one in settled:
            if one.error:
                log.warning("not revoked yet", extra={"credential_id": one.credential_id, "state": one.state, "code": one.error})
        await self._publish([(one.revocation_id, one.fact) for one in settled if one.fact], causes, send)

    async def _publish(self, facts: Sequence[tuple[UUID, bytes]], causes: dict[UUID, Received], send: Send) -> None:
        if facts:
            acked = await send([said(value, causes) for _, value in facts])
            if acked is not None:
                await acked
            await self._settlements.published([identifier for identifier, _ in facts])


def said(value: bytes, causes: dict[UUID, Received]) -> Out:
    """The row's bytes, never made anew."""
    fact = decode(TOPIC, value, {})
    cause = causes.get(fact.credential_id)
    since = ((SINCE, cause.fact.at.isoformat().encode()),) if cause is not None else ()
    return Out(TOPIC, fact, key=str(fact.credential_id), event_id=str(fact.id), cause=cause, value=value, headers=since)


def routes(worker: Worker) -> tuple[Stage, ...]:
    async def on_batch(batch: Sequence[Received], emit: Emit) -> None:
        causes = {one.fact.credential_id: one for one in batch}
        onward = asyncio.get_running_loop().call_later(SLOW, emit.onward)
        try:
            await worker.work(list(causes), causes, emit)
        finally:
            onward.cancel()

    return (Stage("revoke", (revocation_ordered.TOPIC,), (TOPIC,), on_batch, window=OPEN),)
