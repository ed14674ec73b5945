"""revocation.requested -> revocation.ordered, and what the ledger orders by itself."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from counterfoil.contracts import revocation_ordered, revocation_requested, revocation_settled
from counterfoil.contracts.revocation_ordered import RevocationOrdered
from counterfoil.contracts.revocation_requested import RevocationRequested
from counterfoil_server.runtime import crash
from counterfoil_server.runtime.loops import forever
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.stage import Emit, Out, Received, Stage
from services.revoker.orders import UNANSWERED, Orders

log = logging.getLogger("counterfoil.revoker")
TOPIC = revocation_ordered.TOPIC
Send = Callable[[Sequence[Out]], Awaitable[Any]]


def routes(orders: Orders) -> tuple[Stage, ...]:
    async def on_requested(batch: Sequence[Received], emit: Emit) -> None:
        causes = {}
        for one in batch:
            fact: RevocationRequested = one.fact
            if await orders.obey(fact.id, fact.predicate):
                causes[fact.id] = one
        await flush(orders, emit, causes)

    async def on_settled(batch: Sequence[Received], emit: Emit) -> None:  # noqa: ARG001 - it says nothing, it only writes down
        for one in batch:
            if one.fact.outcome in {"stuck", "uncertain"}:
                log.warning("not ended", extra={"credential_id": one.fact.credential_id, "outcome": one.fact.outcome})
        await orders.done_fencing()

    return (
        Stage("revoker", (revocation_requested.TOPIC,), (TOPIC,), on_requested),
        Stage("revoker-settled", (revocation_settled.TOPIC,), (), on_settled),
    )


async def flush(orders: Orders, send: Send, causes: dict[Any, Received]) -> int:
    """The rows are the outbox: sent, acknowledged, marked. A row sent twice is the same fact twice."""
    total = 0
    while rows := await orders.unordered():
        outs = []
        for identifier, credential, connector, cause, order, at, traceparent in rows:
            fact = RevocationOrdered(id=identifier, at=at, credential_id=credential, connector=connector, cause=cause, order_id=order)
            headers = (("mint-traceparent", traceparent.encode()),) if traceparent else ()
            outs.append(Out(TOPIC, fact, key=str(credential), event_id=str(identifier), cause=causes.get(order), headers=headers))
        acked = await send(outs)
        if acked is not None:
            await acked
        crash.at("revoker.acked")
        await orders.ordered([row[0] for row in rows])
        total += len(rows)
    return total


class Sweep:
    """What nobody asked for and must happen all the same."""

    def __init__(self, orders: Orders, now: Clock) -> None:
        self._orders, self._now = orders, now
        self._seen = datetime(2000, 1, 1, tzinfo=UTC)

    async def run(self, send: Send, every: float = 0.5) -> None:
        async def turn(number: int) -> None:
            await self.turn(send, number)

        await forever("sweep", turn, every)

    async def turn(self, send: Send, number: int) -> None:
        found = await self._orders.expire()
        if number % 2 == 0:
            until = self._now() - UNANSWERED
            found += await self._orders.reconcile(self._seen, until)
            self._seen = until
        await flush(self._orders, send, {})
        if number % 10 == 0:
            await self._orders.done_fencing()
        if found:
            log.info("ended", extra={"count": found})
