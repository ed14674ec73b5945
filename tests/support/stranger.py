"""A bus client with bare hands: writes whatever it likes on the topics, with stolen keys if need be, and waits for its answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from counterfoil.contracts import exchange_replied
from counterfoil.contracts.base import Message, ReplyTo, Topic
from counterfoil.contracts.exchange_replied import ExchangeReplied
from counterfoil.wire.armor import from_url
from counterfoil.wire.asking import Opened, Question, ask, opened
from counterfoil.wire.envelope import SIGNATURE, decode, encode, headers
from counterfoil.wire.kafka import Listener, Publisher, Record
from counterfoil.wire.receipt import ReceiptChecker
from counterfoil.wire.requester import RequesterKeys
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from counterfoil.wire.signing import Signer, SigningKey
from counterfoil_server.runtime import key_folder
from tests.support.town import Town


def stolen(keys: Path, role: str) -> Signer:
    """The private signing key of a role, as a thief of its folder has it."""
    ((_, raw),) = key_folder.each(keys / role, "sign")
    return Signer(SigningKey.from_bytes(raw.reveal(), role))


class Stranger:
    def __init__(self, town: Town, known: dict[str, Any], publisher: Publisher, listener: Listener, partition: int) -> None:
        self.town, self.known, self._publisher, self._listener = town, known, publisher, listener
        self.reply_to = ReplyTo(partition=partition, instance=f"stranger-{uuid4().hex[:8]}")
        self.keys = RequesterKeys(time.monotonic)
        self.replies: list[ExchangeReplied] = []

    async def question(
        self, wish: Any, *, token: str | None = None, request_id: UUID | None = None, within: float = 10.0, **changed: Any
    ) -> Question:
        """A good request but for what `changed` says: reply_to, requester_key, deadline."""
        usual: dict[str, Any] = {
            "reply_to": self.reply_to,
            "requester_key": self.keys.current(),
            "deadline": datetime.now(UTC) + timedelta(seconds=within),
        }
        bearer = Secret(token if token is not None else await self.town.id_token())
        verifier = from_url(self.known["verifier_key"]["key"].encode())
        return ask(
            self.town.connection,
            Sealer(),
            verifier,
            token=bearer,
            wish=wish,
            request_id=request_id or uuid4(),
            source="stranger",
            **(usual | changed),
        )

    async def send(self, *records: Record) -> None:
        await self._publisher.acked(await self._publisher.send(records))

    async def write(self, topic: Topic, fact: Message, signer: Signer | None, *, key: str = "k", value: bytes | None = None, **more: bytes) -> bytes:
        """A fact of any topic under any hand."""
        body = encode(fact) if value is None else value
        found = [*headers(topic, fact, "stranger", key), *more.items()]
        if signer is not None:
            found.append((SIGNATURE, signer.sign(str(topic), [body])[0]))
        await self.send(Record(self.town.connection.topic(topic), key.encode(), body, found))
        return body

    async def answer(self, question: Question, within: float = 10.0) -> Opened | None:
        """What came for it, opened and checked; None where nothing came."""
        receipts = ReceiptChecker(self.known["log_keys"])
        until = time.monotonic() + within
        while time.monotonic() < until:
            for reply in self.replies:
                if reply.request_hash == question.request_hash:
                    return opened(question, reply.box, self.keys, receipts)
            await asyncio.sleep(0.02)
        return None

    async def asked(self, wish: Any, **changed: Any) -> Opened | None:
        question = await self.question(wish, **changed)
        await self.send(question.record)
        return await self.answer(question)

    async def listen(self) -> None:
        async for records in self._listener.batches():
            self.replies += [decode(exchange_replied.TOPIC, one.value, dict(one.headers)) for one in records]


@asynccontextmanager
async def stranger(town: Town, partition: int = 1) -> AsyncIterator[Stranger]:
    known = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).raise_for_status().json()
    publisher = Publisher(town.connection)
    listener = Listener(town.connection, town.connection.topic(exchange_replied.TOPIC), partition)
    await publisher.start()
    await listener.start()
    made = Stranger(town, known, publisher, listener, partition)
    reading = asyncio.create_task(made.listen())
    try:
        yield made
    finally:
        reading.cancel()
        await listener.stop()
        await publisher.stop()
