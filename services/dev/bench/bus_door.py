"""Asking over the bus with the SDK's own parts and every check: sealed token, opened box, leaf and proof against the log key.

What it leaves out of `counterfoil.Client` is what wraps a call (retries, errors, deadlines as context managers), so that the exchange is
measured and not the convenience around it; `sdk_door.py` measures both together.
"""

import asyncio
import itertools
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx

from counterfoil.client.line import Line
from counterfoil.client.well_known import PATH, WellKnown
from counterfoil.contracts.base import ReplyTo
from counterfoil.wire import asking
from counterfoil.wire.kafka import Connection
from counterfoil.wire.receipt import ReceiptChecker
from counterfoil.wire.requester import RequesterKeys
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from services.dev.bench.arrivals import Ask
from services.dev.bench.tokens import fetched

PATIENCE = 10.0
TRACE = (("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"),)
"""Unsampled, as nearly all are in production."""


class Answer:
    """Who waits for it."""

    def __init__(self) -> None:
        self.box: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def offer(self, box: str) -> None:
        if not self.box.done():
            self.box.set_result(box)

    def lose(self, error: Exception) -> None:
        if not self.box.done():
            self.box.set_exception(error)


class Refused(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@asynccontextmanager
async def door(url: str, issuer: str, kafka: str, connector: str, tokens: int, lifetime: int) -> AsyncIterator[Ask]:
    async with httpx.AsyncClient(trust_env=False) as http:
        known = WellKnown.read((await http.get(url + PATH)).json())
        lent = itertools.cycle([Secret(token) for token in await fetched(http, issuer, known.audience, tokens)])
    connection = Connection(kafka, known.topics_prefix)
    reply_to = ReplyTo(partition=secrets.randbelow(known.partitions), instance=secrets.token_hex(16))
    waiting: dict[str, Answer] = {}
    keys, sealer, receipts = RequesterKeys(time.monotonic), Sealer(), ReceiptChecker(known.log_keys)
    line = Line(connection, reply_to.partition, waiting)
    wish = {"connector": connector, "scopes": ["read"], "lifetime": lifetime}

    async def ask() -> None:
        question = asking.ask(
            connection, sealer, known.verifier_key, token=next(lent), wish=wish, request_id=uuid4(), reply_to=reply_to,
            requester_key=keys.current(), deadline=datetime.now(UTC) + timedelta(seconds=PATIENCE), source="client", headers=TRACE,
        )  # fmt: skip
        answer = waiting[question.request_hash] = Answer()
        late = asyncio.get_running_loop().call_later(PATIENCE, answer.lose, TimeoutError())
        try:
            line.put(question.record)
            opened = asking.opened(question, await answer.box, keys, receipts)
        finally:
            late.cancel()
            del waiting[question.request_hash]
        if opened.credential is None:
            raise Refused(str((opened.problem or {}).get("code")))

    await line.open()
    try:
        yield ask
    finally:
        await line.close()
