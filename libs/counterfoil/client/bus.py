"""The bus of one client: a reply partition without a group, a key a minute, and every answer opened in this process."""

import asyncio
import secrets
import time
from dataclasses import replace
from functools import partial
from uuid import UUID
from weakref import WeakValueDictionary

from counterfoil.client.bus_attempt import BusAttempt, Ends
from counterfoil.client.deadline import Deadline
from counterfoil.client.door import Door
from counterfoil.client.errors import CounterfoilError
from counterfoil.client.line import Line
from counterfoil.client.news import Cache, News
from counterfoil.client.receipt import Receipts
from counterfoil.client.trace import Trace
from counterfoil.client.well_known import WellKnown
from counterfoil.client.wish import Wish
from counterfoil.contracts.base import ReplyTo
from counterfoil.wire import asking
from counterfoil.wire.kafka import Connection
from counterfoil.wire.requester import RequesterKeys
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret


class Bus:
    def __init__(self, connection: Connection | None, door: Door, receipts: Receipts, partition: int | None = None) -> None:
        """`connection` None: what the gateway says, which it does in development only. `partition` None: any."""
        self._given, self._door, self._receipts, self._partition = connection, door, receipts, partition
        self._instance = secrets.token_hex(16)
        self._keys = RequesterKeys(time.monotonic)
        self._sealer = Sealer()
        self._waiting: WeakValueDictionary[str, BusAttempt] = WeakValueDictionary()  # an attempt is in it for as long as somebody holds it
        self._opening = asyncio.Lock()
        self._line: Line | None = None
        self._news: News | None = None
        self._closed = False

    async def attempt(self, wish: Wish, token: Secret, request_id: UUID, deadline: Deadline, trace: Trace) -> BusAttempt:
        known = await self._door.known(deadline)
        connection = self._connection(known)
        partition = self._partition = secrets.randbelow(known.partitions) if self._partition is None else self._partition
        question = asking.ask(
            connection, self._sealer, known.verifier_key, token=token, wish=wish.document(), request_id=request_id,
            reply_to=ReplyTo(partition=partition, instance=self._instance), requester_key=self._keys.current(), deadline=deadline.at,
            source="client", headers=trace.headers(),
        )  # fmt: skip
        ends = Ends(partial(self._open, connection, partition), self._keys, self._receipts, partial(self._door.forget, known))
        attempt = self._waiting[question.request_hash] = BusAttempt(ends, question, deadline, trace)
        return attempt

    async def hear(self, cache: Cache, deadline: Deadline) -> None:
        """From now on `cache` is told what was revoked."""
        if self._news is None:
            connection = self._connection(await self._door.known(deadline))
            self._news = self._news or News(connection, cache)
        await self._news.listening(deadline)

    async def close(self) -> None:
        self._closed = True
        if self._news is not None:
            await self._news.close()
        async with self._opening:
            await self._hang_up()

    async def _open(self, connection: Connection, partition: int) -> Line:
        """The open line. One that broke is replaced by whoever asks next."""
        async with self._opening:
            if self._closed:
                raise CounterfoilError("closed", "the client was closed", fix="keep the client open until the last answer is there")
            if self._line is None or self._line.broken:
                await self._hang_up()
                line = Line(connection, partition, self._waiting)
                await line.open()
                self._line = line
            return self._line

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    def _connection(self, known: WellKnown) -> Connection:
        if self._given is not None:
            return replace(self._given, prefix=known.topics_prefix)
        if known.kafka is None:
            fix = "Client(kafka=Connection(...)), or COUNTERFOIL_KAFKA for the command line"
            raise CounterfoilError("no_kafka", "the gateway does not say where its Kafka is", fix=fix)
        return Connection(known.kafka, known.topics_prefix)
