"""revocation.settled, consent.settled -> whoever waits to hear how it ended."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from counterfoil.contracts import consent_settled, revocation_settled
from counterfoil.contracts.base import Topic
from counterfoil.wire.envelope import Unreadable, decode
from counterfoil_server.runtime.telemetry import phases

log = logging.getLogger("counterfoil.gateway")
TOPIC = revocation_settled.TOPIC


class Settled:
    """A fact here is a hint that something ended; how it ended is read in the database."""

    def __init__(self, topic: Topic = TOPIC, name: str = "credential_id") -> None:
        """`name`: the member of its facts that says what ended."""
        self._topic, self._name = topic, name
        self._expected: dict[UUID, set[asyncio.Future[None]]] = {}
        self._any = asyncio.Event()

    @contextmanager
    def expecting(self, one: UUID) -> "Iterator[asyncio.Future[None]]":
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._expected.setdefault(one, set()).add(end)
        try:
            yield end
        finally:
            self._expected[one].discard(end)
            if not self._expected[one]:
                del self._expected[one]

    async def something(self, patience: float) -> None:
        """Until anything has ended, or for so long."""
        try:
            await asyncio.wait_for(self._any.wait(), patience)
        except TimeoutError:
            return

    async def on_batch(self, records: Sequence[Any]) -> None:
        for raw in records:
            try:
                fact = decode(self._topic, raw.value, dict(raw.headers))
            except Unreadable as error:
                log.warning("settled ignored", extra={"code": error.code, "offset": raw.offset})
                continue
            phases.heard(dict(raw.headers).get(phases.SINCE))
            for end in self._expected.get(getattr(fact, self._name), ()):
                if not end.done():
                    end.set_result(None)
        self._any.set()
        self._any = asyncio.Event()


def consents() -> Settled:
    return Settled(consent_settled.TOPIC, "consent_id")
