"""exchange.replied -> the caller who waits. Others' replies pass by on the same partition."""

import logging
from collections.abc import Sequence
from typing import Any

from counterfoil.contracts import exchange_replied
from counterfoil.contracts.exchange_replied import ExchangeReplied
from counterfoil.wire.asking import Opened, opened
from counterfoil.wire.envelope import SIGNATURE, Unreadable, decode
from counterfoil.wire.receipt import ReceiptChecker
from counterfoil.wire.requester import RequesterKeys
from counterfoil.wire.signing import BadSignature, Checker
from counterfoil_server.runtime.keys import KeyRing
from counterfoil_server.runtime.service import Clock
from counterfoil_server.runtime.stage import Received
from counterfoil_server.runtime.telemetry.spans import Telemetry
from services.gateway.handed import Handed
from services.gateway.standing import Standing
from services.gateway.waiting import Waiter, Waiting

log = logging.getLogger("counterfoil.gateway")
TOPIC = exchange_replied.TOPIC


class Receipts:
    """The checker for the log keys of this moment: they rotate."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._vkeys: list[str] = []
        self._checker = ReceiptChecker(())

    def checker(self) -> ReceiptChecker:
        if (vkeys := sorted(self._keys.log_vkeys())) != self._vkeys:
            self._vkeys, self._checker = vkeys, ReceiptChecker(vkeys)
        return self._checker


class Replies:
    def __init__(
        self,
        instance: str,
        waiting: Waiting,
        handed: Handed,
        requester: RequesterKeys,
        keys: KeyRing,
        standing: Standing,
        telemetry: Telemetry,
        now: Clock,
    ) -> None:
        self._instance, self._waiting, self._handed, self._requester = instance, waiting, handed, requester
        self._keys, self._standing, self._telemetry, self._now = keys, standing, telemetry, now
        self._checker, self._receipts = Checker(keys.public), Receipts(keys)
        self.since = 0
        """Own replies before this offset were dealt with by the process that was here before."""

    async def on_batch(self, records: Sequence[Any]) -> None:
        mine = [found for raw in records if (found := await self._mine(raw)) is not None]
        with self._telemetry.batch(mine, "gateway"):
            answers = [found for found in [await self._answer(one) for one in mine] if found is not None]
            fallen = await self._standing.fallen([answer for _, answer in answers])
            for waiter, answer in answers:
                if not waiter.answer.done():
                    waiter.answer.set_result(fallen.get(id(answer), answer))
        self._handed.read(records[-1].offset + 1)

    async def _mine(self, raw: Any) -> Received | None:
        """A readable reply to this instance, signed by audit. Whatever else lies here is not ours to judge."""
        headers = dict(raw.headers)
        try:
            fact = decode(TOPIC, raw.value, headers)
            if fact.reply_to.instance != self._instance:
                return None
            role = await self._signed_by(raw, headers)
        except (Unreadable, BadSignature) as error:
            log.warning("reply ignored", extra={"code": error.code, "offset": raw.offset})
            return None
        return Received(TOPIC, fact, raw.value, headers, raw.partition, raw.offset, raw.timestamp, role)

    async def _signed_by(self, raw: Any, headers: dict[str, bytes]) -> str:
        question = (str(TOPIC), raw.value, headers.get(SIGNATURE), TOPIC.written_by, self._now().timestamp())
        try:
            return self._checker.check(*question)
        except BadSignature as error:
            if error.code != "unknown_key" or not await self._keys.again():
                raise
        return self._checker.check(*question)

    async def _answer(self, one: Received) -> tuple[Waiter, Opened] | None:
        """The caller and what the box says. A reply that does not open or check is ignored: the right one may still come."""
        reply: ExchangeReplied = one.fact
        waiter = self._waiting.get(reply.request_hash)
        if waiter is None and one.offset < self.since:
            self._waiting.past(reply.request_hash)
        elif waiter is None:
            self._waiting.nobodys(reply.request_hash, one.offset)
        if waiter is None:
            return None
        self._handed.hold(one.offset)
        waiter.offsets.append(one.offset)
        try:
            return waiter, await self._open(waiter, reply.box)
        except (ValueError, KeyError, TypeError) as error:  # an audit key, and still not what it should be
            log.warning("reply ignored", extra={"code": getattr(error, "code", "malformed"), "error": type(error).__name__, "offset": one.offset})
            return None

    async def _open(self, waiter: Waiter, box: str) -> Opened:
        try:
            return opened(waiter.question, box, self._requester, self._receipts.checker())
        except ValueError as error:
            if getattr(error, "code", "") != "unknown_key" or not await self._keys.again():
                raise
        return opened(waiter.question, box, self._requester, self._receipts.checker())
