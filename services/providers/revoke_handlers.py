"""revocation.ordered -> revocation.settled."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from counterfoil.contracts import revocation_ordered, revocation_settled
from counterfoil.wire.envelope import decode
from counterfoil_server.runtime import crash
from counterfoil_server.runtime.loops import forever
from counterfoil_server.runtime.stage import Emit, Out, Received, Stage, onward_soon
from counterfoil_server.runtime.telemetry.current import within
from counterfoil_server.runtime.telemetry.phases import SINCE
from services.providers.ends import LONGEST_CALL, Ends
from services.providers.settlements import LEASE, Row, Settlement, Settlements

log = logging.getLogger("counterfoil.revoke")
AT_ONCE = 16
"""Calls under way to one connector."""
MOST = 500
"""Of one connector claimed and not settled yet: who has so many is asked for no more until some are."""
PATIENCE, OPEN = 1.0, 4000
"""Seconds: what is tried again and takes longer goes on by itself; and so many orders may be in hand. So no connector holds up another."""
TOO_LATE = LEASE.total_seconds() - LONGEST_CALL
TOPIC = revocation_settled.TOPIC
Send = Callable[[Sequence[Out]], Awaitable[Any]]


class Worker:
    """Its own pool: minting cannot starve it, nor one connector another. A wake-up is a hint; what is due stands in the rows."""

    def __init__(self, ends: Ends, settlements: Settlements) -> None:
        self._ends, self._settlements = ends, settlements
        self._rooms: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
        self._claimed: Counter[str] = Counter()
        self._going_on: set[asyncio.Task[None]] = set()

    async def work(self, ids: Sequence[UUID] | None, causes: dict[UUID, Received], send: Send) -> int:
        """Try what is due, settle and publish as they come. How many were claimed. Without orders in hand it does not wait for who is slow."""
        full = [connector for connector, many in self._claimed.items() if many >= MOST]
        rows = await self._settlements.claim(ids, MOST, full)
        by_connector: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_connector[row["connector"]].append(row)
        tasks = {asyncio.create_task(self._try(connector, of_it, causes, send)) for connector, of_it in by_connector.items()}
        self._going_on |= tasks
        for task in tasks:
            task.add_done_callback(self._going_on.discard)
        done, _ = await asyncio.wait(tasks, timeout=PATIENCE if ids is None else None) if tasks else (set(), set())
        for task in tasks - done:
            task.add_done_callback(self._went_on)
        for task in done:
            task.result()
        return len(rows)

    def _went_on(self, task: "asyncio.Task[None]") -> None:
        """Nobody waits for it any more. What it did not settle is claimed again once its lease is over."""
        if not task.cancelled() and (error := task.exception()):
            log.warning("cut off, and taken again", extra={"loop": "revocations", "error": type(error).__name__})

    async def _try(self, connector: str, rows: Sequence[Row], causes: dict[UUID, Received], send: Send) -> None:
        self._claimed[connector] += len(rows)
        until = asyncio.get_running_loop().time() + TOO_LATE
        pending = {asyncio.create_task(self._end(row, causes.get(row["credential_id"]), until)) for row in rows}
        try:
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                self._claimed[connector] -= len(done)
                await self._say([settled for task in done if (settled := task.result())], causes, send)
        finally:
            self._claimed[connector] -= len(pending)
            for task in pending:
                task.cancel()

    async def run(self, send: Send, every: float = 0.5) -> None:
        """Retries, and whatever a process that died has left."""

        async def turn(number: int) -> bool:
            tried = await self.work(None, {}, send)
            if number % 10 == 0:
                await self._settlements.forget_seals()
                left = await self._settlements.unpublished(timedelta(seconds=5))
                await self._publish([(row["id"], row["settled"]) for row in left], {}, send)
            return tried > 0

        try:
            await forever("revocations", turn, every)
        finally:
            for task in self._going_on:
                task.cancel()

    async def _end(self, row: Row, cause: Received | None, until: float) -> Settlement | None:
        """None: it got no room in time to be tried under its lease."""
        async with self._rooms[row["connector"]]:
            if asyncio.get_running_loop().time() > until:
                return None
            with within(cause):
                crash.at("revoke.calling")
                ended = await self._ends.end(row)
                crash.at("revoke.called")
                return ended

    async def _say(self, settled: Sequence[Settlement], causes: dict[UUID, Received], send: Send) -> None:
        if not settled:
            return
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
        with onward_soon(emit):
            await worker.work(list(causes), causes, emit)

    return (Stage("revoke", (revocation_ordered.TOPIC,), (TOPIC,), on_batch, window=OPEN),)
