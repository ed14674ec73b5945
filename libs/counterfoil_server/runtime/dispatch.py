"""One batch: read, check, handle, send, and only then let its offsets go."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from counterfoil.contracts.base import Topic
from counterfoil.wire.envelope import DEADLINE, REPLY_PARTITION, SIGNATURE, Unreadable, decode, headers
from counterfoil.wire.kafka import Connection, Publisher, Record
from counterfoil.wire.signing import BadSignature, Checker
from counterfoil_server.runtime import crash
from counterfoil_server.runtime.keys import KeyRing
from counterfoil_server.runtime.stage import TRANSPORT, DeadLetter, Out, Received, Stage
from counterfoil_server.runtime.telemetry.spans import Telemetry
from counterfoil_server.runtime.window import Onward

log = logging.getLogger("counterfoil.bus")


class Dispatch:
    """Everything between a polled batch and its commit, for one process."""

    def __init__(
        self,
        connection: Connection,
        role: str,
        publisher: Publisher,
        checker: Checker,
        keys: KeyRing,
        telemetry: Telemetry,
        clock: Callable[[], float],
    ) -> None:
        self._connection, self._role, self.publisher = connection, role, publisher
        self._checker, self._keys, self.telemetry, self._clock = checker, keys, telemetry, clock

    async def batch(self, stage: Stage, topics: dict[str, Topic], records: Sequence[Any], onward: Onward = lambda: None) -> None:
        """Returns when every output is in the log. Raises transport errors only: then nothing may be committed."""
        sent: list[asyncio.Future[Any]] = []
        good, dead = self._sorted(topics, records)
        if any(code == "unknown_key" for _, code in dead) and await self._keys.again():
            good, dead = self._sorted(topics, records)
        sent += await self._bury(dead)
        if good:
            sent += await self._handle(stage, good, onward)
        with self.telemetry.acknowledging():
            await self.publisher.acked(sent)
        crash.at(stage.acked)

    async def publish(self, outs: Sequence[Out]) -> None:
        """Outside of a batch: sign, send, wait for the broker."""
        await self.publisher.acked(await self.send(outs))

    def _sorted(self, topics: dict[str, Topic], records: Sequence[Any]) -> tuple[list[tuple[Received, Any]], list[tuple[Any, str]]]:
        good: list[tuple[Received, Any]] = []
        dead: list[tuple[Any, str]] = []
        now = self._clock()
        for raw in records:
            try:
                good.append((self._read(topics[raw.topic], raw, now), raw))
            except Unreadable as error:
                dead.append((raw, error.code))
                log.warning("unreadable", extra={"topic": raw.topic, "code": error.code, "reason": str(error), "offset": raw.offset})
            except BadSignature as error:
                dead.append((raw, error.code))
                log.warning("bad signature", extra={"topic": raw.topic, "code": error.code, "offset": raw.offset})
        return good, dead

    def _read(self, topic: Topic, raw: Any, now: float) -> Received:
        found = dict(raw.headers)
        value = raw.value or b""
        role = self._checker.check(str(topic), value, found.get(SIGNATURE), topic.written_by, now) if topic.signed else ""
        return Received(topic, decode(topic, value, found), value, found, raw.partition, raw.offset, raw.timestamp, role)

    async def _handle(self, stage: Stage, good: list[tuple[Received, Any]], onward: Onward) -> list["asyncio.Future[Any]"]:
        emit = Emission(self, {id(received): raw for received, raw in good}, onward)
        received = [one for one, _ in good]
        with self.telemetry.batch(received, stage.group):
            try:
                await stage.on_batch(received, emit)
            except TRANSPORT:
                await self.publisher.acked(emit.sent)  # a handler may have awaited a broken producer itself: here it is replaced
                raise
            except Exception as error:  # noqa: BLE001 - whatever it was, one message caused it
                await self._one_by_one(stage, received, emit, error)
        return emit.sent + await self._bury(emit.dead)

    async def _one_by_one(self, stage: Stage, received: Sequence[Received], emit: "Emission", error: Exception) -> None:
        """Ids are derived, so what the first try sent already is only said again."""
        if len(received) == 1:
            emit.bury(received[0], error)
            return
        log.warning("batch failed, taken one by one", extra={"group": stage.group, "error": type(error).__name__})
        for one in received:
            try:
                await stage.on_batch([one], emit)
            except TRANSPORT:
                raise
            except Exception as found:  # noqa: BLE001
                emit.bury(one, found)

    async def _bury(self, dead: Sequence[tuple[Any, str]]) -> list["asyncio.Future[Any]"]:
        """The original bytes and headers, with the reason beside them."""
        if not dead:
            return []
        self.telemetry.dead_letters([(raw.topic.removeprefix(f"{self._connection.prefix}."), code) for raw, code in dead])
        return await self.publisher.send(
            [
                Record(
                    f"{raw.topic}.dlq",
                    raw.key or b"",
                    raw.value or b"",
                    [
                        *raw.headers,
                        ("dlq-code", code.encode()),
                        ("dlq-partition", str(raw.partition).encode()),
                        ("dlq-offset", str(raw.offset).encode()),
                        ("dlq-by", self._role.encode()),
                    ],
                    raw.partition,
                )
                for raw, code in dead
            ]
        )

    async def send(self, outs: Sequence[Out]) -> list["asyncio.Future[Any]"]:
        values = [out.bytes() for out in outs]
        signatures = self._signatures(outs, values)
        return await self.publisher.send(
            [
                Record(self._connection.topic(out.topic), out.key.encode(), value, self._headers(out, signature), out.partition)
                for out, value, signature in zip(outs, values, signatures, strict=True)
            ]
        )

    def _signatures(self, outs: Sequence[Out], values: Sequence[bytes]) -> list[bytes]:
        """One signature for all the facts of a topic that go out together."""
        signatures = [b""] * len(outs)
        for topic in {out.topic for out in outs if out.topic.signed}:
            places = [place for place, out in enumerate(outs) if out.topic is topic]
            for place, signature in zip(places, self._keys.signer().sign(str(topic), [values[place] for place in places]), strict=True):
                signatures[place] = signature
        return signatures

    def _headers(self, out: Out, signature: bytes) -> list[tuple[str, bytes]]:
        found = [*headers(out.topic, out.fact, self._role, out.event_id), *out.headers, *self.telemetry.sent(out)]
        if signature:
            found.append((SIGNATURE, signature))
        if out.cause is not None:
            found += [(name, out.cause.headers[name]) for name in (DEADLINE, REPLY_PARTITION) if name in out.cause.headers]
        return found


class Emission:
    """The `Emit` of one batch."""

    def __init__(self, dispatch: Dispatch, raws: dict[int, Any], onward: Onward) -> None:
        self._dispatch, self._raws, self.onward = dispatch, raws, onward
        self.sent: list[asyncio.Future[Any]] = []
        self.dead: list[tuple[Any, str]] = []

    async def __call__(self, outs: Sequence[Out]) -> "asyncio.Future[Any]":
        futures = await self._dispatch.send(outs)
        self.sent += futures
        return asyncio.gather(*futures)

    def bury(self, one: Received, fault: Exception) -> None:
        expected = isinstance(fault, DeadLetter)
        code = fault.code if isinstance(fault, DeadLetter) else "handler_error"
        log.warning(
            "dead letter",
            extra={"topic": str(one.topic), "code": code, "offset": one.offset, "partition": one.partition},
            exc_info=None if expected else fault,
        )
        self._dispatch.telemetry.buried(one, code)
        self.dead.append((self._raws[id(one)], code))
