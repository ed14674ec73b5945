"""Clients, and the operator beside them: they ask, over the bus and over HTTP, and write down what became of it."""

import asyncio
import json
import random
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from counterfoil.contracts import exchange_replied
from counterfoil.contracts.base import ReplyTo
from counterfoil.contracts.exchange_replied import ExchangeReplied
from counterfoil.wire import asking
from counterfoil.wire.armor import from_url
from counterfoil.wire.kafka import KafkaError, Listener, Publisher
from counterfoil.wire.merkle import leaf_hash
from counterfoil.wire.receipt import ReceiptChecker
from counterfoil.wire.requester import RequesterKeys
from counterfoil.wire.sealing import Sealer
from counterfoil.wire.secret import Secret
from tests.faults.habits import LONGEST, USUAL, Habits
from tests.faults.history import Ask, Delivery
from tests.faults.plan import provider_of
from tests.faults.stand import Stand

PARTITION = 1


class Clients:
    """`asks` is their history; `ended` what the gateway has accepted to end."""

    def __init__(self, stand: Stand, known: dict[str, Any], seed: int, habits: Habits = USUAL) -> None:
        self.stand, self._known, self._habits = stand, known, habits
        self.asks: list[Ask] = []
        self.ended: set[UUID] = set()
        self._chance = random.Random(seed)  # noqa: S311 - no secret is made of it
        self._waiting: dict[str, asyncio.Queue[tuple[str, float]]] = {}
        self._left: dict[str, tuple[Ask, asking.Question]] = {}
        self._replied: dict[str, float] = {}
        self._keys, self._reply_to = RequesterKeys(time.monotonic), ReplyTo(partition=PARTITION, instance=f"faults-{uuid4().hex[:8]}")
        connection = stand.town.connection
        self._publisher, self._listener = Publisher(connection), Listener(connection, connection.topic(exchange_replied.TOPIC), None)
        self._token, self._token_at = Secret(""), 0.0

    async def run(self, rate: float) -> None:
        """Until cancelled; whoever is asking then sees it through."""
        await self._publisher.start()
        await self._listener.start()
        reading, asking_ = asyncio.create_task(self._read()), set[asyncio.Task[None]]()
        try:
            while True:
                await self._fresh_token()
                task = asyncio.create_task(self.once())
                asking_.add(task)
                task.add_done_callback(asking_.discard)
                await asyncio.sleep(self._chance.expovariate(rate))
        finally:
            await asyncio.gather(*asking_, return_exceptions=True)
            await asyncio.sleep(1)
            reading.cancel()
            await self._listener.stop()
            await self._publisher.stop()

    async def once(self) -> None:
        habits = self._habits
        (connector, _), *_ = self._chance.choices(habits.connectors, [weight for _, weight in habits.connectors])
        patience, lifetime = self._chance.choice(habits.patience), min(self._chance.choice(habits.lifetimes), LONGEST[provider_of(connector)])
        by_http, ends, twice = self._chance.random() < 0.3, self._chance.random() < 0.35, self._chance.random() < 0.1
        now = time.time()
        ask = Ask(uuid4(), "", connector, now, now + patience)
        self.asks.append(ask)
        await (self._by_http(ask, patience, lifetime) if by_http else self._by_bus(ask, patience, lifetime, twice=twice))
        ask.ended_at = time.time()
        if ask.deliveries and ends:
            await self._end(ask.deliveries[0].credential_id)

    async def _by_bus(self, ask: Ask, patience: float, lifetime: int, *, twice: bool) -> None:
        question = asking.ask(
            self.stand.town.connection, Sealer(), from_url(self._known["verifier_key"]["key"].encode()), token=self._token,
            wish={"connector": ask.connector, "scopes": ["read"], "lifetime": lifetime}, request_id=ask.request_id, reply_to=self._reply_to,
            requester_key=self._keys.current(), deadline=datetime.fromtimestamp(ask.at, UTC) + timedelta(seconds=patience), source="client",
        )  # fmt: skip
        ask.request_hash = question.request_hash
        heard = self._waiting[question.request_hash] = asyncio.Queue()
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + ask.deadline - time.time()):
                for _ in range(1 + twice):
                    await self._publisher.acked(await self._publisher.send([question.record]))
                    ask.acked = True
                while True:
                    self._take(ask, question, *await heard.get())
                    if not twice:
                        return
        except TimeoutError:
            ask.ended = ask.ended or "timeout"
        except (KafkaError, OSError):
            ask.ended = ask.ended or "away"
        finally:
            del self._waiting[question.request_hash]
            self._left[question.request_hash] = ask, question
            while not heard.empty():
                self._take_late(question.request_hash, *heard.get_nowait())

    def _take_late(self, request_hash: str, box: str, at: float) -> None:
        """The broker had it in time, and it lies there for whoever comes back for it: it was handed over."""
        with suppress(ValueError, KeyError):
            self._take(*self._left[request_hash], box, at)

    def _take(self, ask: Ask, question: asking.Question, box: str, at: float) -> None:
        found = asking.opened(question, box, self._keys, ReceiptChecker(self._known["log_keys"]))
        if found.credential is None:
            ask.ended, ask.code = ask.ended or "no", str((found.problem or {}).get("code"))
            return
        ask.ended = ask.ended or "credential"
        ask.deliveries.append(Delivery(UUID((found.fact or {})["credential_id"]), at, leaf_hash((found.leaf or "").encode())))

    async def _by_http(self, ask: Ask, patience: float, lifetime: int) -> None:
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": self._token.text(),
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token", "audience": ask.connector, "scope": "read",
            "requested_lifetime": str(lifetime), "request_id": str(ask.request_id),
        }  # fmt: skip
        url, headers = f"{self.stand.town.plan.url}/oauth2/token", {"Prefer": f"wait={patience:.0f}"}
        try:
            answer = await self.stand.town.http.post(url, data=form, headers=headers, timeout=patience + 1)
        except httpx.HTTPError:
            ask.ended = "away"
            return
        said = answer.json()
        ask.ended, ask.code = ("credential", "") if answer.is_success else ("no", str(said.get("code")))
        if answer.is_success:
            leaf = said["receipt"]["leaf"]
            ask.request_hash = json.loads(leaf)["fact"]["asked"]["request_hash"]
            at = await self._replied_at(ask.request_hash)
            ask.deliveries.append(Delivery(UUID(said["credential_id"]), at, leaf_hash(leaf.encode())))

    async def _replied_at(self, request_hash: str) -> float:
        """When the broker had the answer; the reader beside us may be a moment behind the gateway's."""
        now = time.time()
        with suppress(TimeoutError):
            async with asyncio.timeout(3):
                while request_hash not in self._replied:  # noqa: ASYNC110 - the reader fills it
                    await asyncio.sleep(0.02)
        return self._replied.get(request_hash, now)

    async def _end(self, credential: UUID) -> None:
        body = {"predicate": {"credential_id": str(credential)}, "cause": "faults"}
        with suppress(httpx.HTTPError, KeyError):
            answer = await self.stand.town.http.post(f"{self.stand.town.plan.url}/v1/revocations", json=body, headers=await self.stand.town.admin())
            if answer.is_success:
                self.ended.add(credential)

    async def _read(self) -> None:
        async for records in self._listener.batches():
            for record in records:
                request_hash, at = (record.key or b"").decode("ascii", "replace"), (record.timestamp + 1) / 1000
                self._replied.setdefault(request_hash, at)
                box = ExchangeReplied.model_validate_json(record.value).box
                if (waiting := self._waiting.get(request_hash)) is not None:
                    waiting.put_nowait((box, at))
                elif request_hash in self._left:
                    self._take_late(request_hash, box, at)

    async def _fresh_token(self) -> None:
        if time.monotonic() - self._token_at > 60:
            self._token, self._token_at = Secret(await self.stand.town.id_token()), time.monotonic()
