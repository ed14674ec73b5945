"""revocation.settled -> whoever waits to hear how a revocation ended."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from counterfoil.contracts import revocation_settled
from counterfoil.wire.envelope import Unreadable, decode
from counterfoil_server.runtime.telemetry import phases

log = logging.getLogger("counterfoil.gateway")
TOPIC = revocation_settled.TOPIC


class Settled:
    """A fact here is a hint that something ended; how it ended is read in the ledger."""

    def __init__(self) -> None:
        self._expected: dict[UUID, set[asyncio.Future[None]]] = {}
        self._any = asyncio.Event()

    @contextmanager
    def expecting(self, credential_id: UUID) -> "Iterator[asyncio.Future[None]]":
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._expected.setdefault(credential_id, set()).add(end)
        try:
            yield end
        finally:
            self._expected[credential_id].discard(end)
            if not self._expected[credential_id]:
                del self._expected[credential_id]

    async def something(self, patience: float) -> None:
        """Until anything has ended, or for so long."""
        try:
            await asyncio.wait_for(self._any.wait(), patience)
        except TimeoutError:
            return

    async def on_batch(self, records: Sequence[Any]) -> None:
        for raw in records:
            try:
                fact = decode(TOPIC, raw.value, dict(raw.headers))
            except Unreadable as error:
                log.warning("settled ignored", extra={"code": error.code, "offset": raw.offset})
                continue
            phases.heard(dict(raw.headers).get(phases.SINCE))
            for end in self._expected.get(fact.credential_id, ()):
                if not end.done():
                    end.set_result(None)
        self._any.set()
        self._any = asyncio.Event()
