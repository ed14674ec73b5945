"""Outbox: records of many callers, sent together. While one lot is on its way to the broker the next one gathers."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from counterfoil.wire.kafka import Publisher, Record

Entry = tuple[Record, "asyncio.Future[None]"]


class Outbox:
    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._waiting: list[Entry] = []
        self._sending: asyncio.Task[None] | None = None

    def put(self, record: Record) -> "asyncio.Future[None]":
        """Done once the record is in the log; a KafkaError or ConnectionError where that is not known."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((record, done))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())
        return done

    async def stop(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            with suppress(asyncio.CancelledError):
                await self._sending

    async def _send(self) -> None:
        try:
            while self._waiting:
                lot, self._waiting = self._waiting, []
                settle(lot, await self._sent(lot))
        finally:
            lot, self._waiting = self._waiting, []
            settle(lot, ConnectionError("the outbox was closed"))

    async def _sent(self, lot: Sequence[Entry]) -> Exception | None:
        try:
            await self._publisher.acked(await self._publisher.send([record for record, _ in lot]))
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it was
            return error
        except asyncio.CancelledError:
            settle(lot, ConnectionError("the outbox was closed"))
            raise
        return None


def settle(lot: Sequence[Entry], error: Exception | None) -> None:
    for _, done in lot:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
            done.exception()  # whoever put it in may have had its answer already, and left
