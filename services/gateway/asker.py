"""Asking over the bus for someone who came by HTTP: under the gateway's own key of the minute, and with its own deadline."""

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.requests import Request

from counterfoil.contracts.base import ReplyTo
from counterfoil.wire.asking import Opened, Question, ask
from counterfoil.wire.kafka import Connection, KafkaError
from counterfoil.wire.outbox import Outbox
from counterfoil.wire.requester import RequesterKeys
from counterfoil_server.runtime import crash
from counterfoil_server.runtime.keys import KeyRing, NoKey
from counterfoil_server.runtime.service import Clock
from services.gateway.problems import Problem
from services.gateway.waiting import Waiter
from services.gateway.wish import Asking

WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,4})(?:$|[,;\s])")


@dataclass(frozen=True)
class Asker:
    connection: Connection
    keys: KeyRing
    requester: RequesterKeys
    outbox: Outbox
    reply_to: ReplyTo
    patience: float
    now: Clock

    def question(self, asked: Asking, request: Request, headers: tuple[tuple[str, bytes], ...]) -> Question:
        try:
            verifier = self.keys.recipient("verifier")
        except NoKey:
            raise Problem("unavailable", "the verifier has no key to seal to") from None
        return ask(
            self.connection,
            self.keys.sealer,
            verifier,
            token=asked.token,
            wish=asked.wish,
            request_id=asked.request_id,
            reply_to=self.reply_to,
            requester_key=self.requester.current(),
            deadline=self.now() + timedelta(seconds=self._patience(request)),
            source="gateway",
            headers=headers,
        )

    def _patience(self, request: Request) -> float:
        """The caller's one deadline, where it says so, and never more than ours."""
        return min(self.patience, waits(request.headers.get("prefer", "")) or self.patience)

    async def answer(self, waiter: Waiter, request: Request) -> Opened:
        """What came for it. Raises Problem where nothing does within the deadline, or the caller hangs up."""
        acked = False
        try:
            async with asyncio.timeout(self._patience(request)):
                crash.at("gateway.asking")
                await self.outbox.put(waiter.question.record)
                acked = True
                crash.at("gateway.asked")
                return await unless_gone(waiter.answer, request)
        except TimeoutError:
            raise Problem("late" if acked else "unavailable", "no answer came before the deadline" if acked else "the bus is away") from None
        except (KafkaError, OSError):
            raise Problem("unavailable", "the bus is away") from None


def waits(prefer: str) -> float | None:
    """RFC 7240 section 4.3: the seconds that the caller will wait."""
    found = WAIT.search(prefer)
    return float(found[1]) if found else None


async def unless_gone(answer: "asyncio.Future[Opened]", request: Request) -> Opened:
    leaving = asyncio.create_task(gone(request))
    either: list[asyncio.Future[Any]] = [answer, leaving]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
    if not answer.done():
        raise Problem("late", "the caller hung up")
    return answer.result()


async def gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
