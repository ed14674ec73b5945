"""One request on the bus and the wait for its answer: sent as often as nobody knows whether it arrived, with the same bytes each time."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from counterfoil.client.credential import Credential, Receipt, lent
from counterfoil.client.deadline import Deadline
from counterfoil.client.errors import Unproven, from_problem, unanswered
from counterfoil.client.line import Line
from counterfoil.client.receipt import Receipts
from counterfoil.client.trace import Trace
from counterfoil.wire import asking
from counterfoil.wire.broken import Broken
from counterfoil.wire.kafka import KafkaError
from counterfoil.wire.receipt import BadReceipt
from counterfoil.wire.requester import RequesterKeys
from counterfoil.wire.secret import Secret

MOST_REPLIES = 64
"""That wait to be opened for one request: whoever floods the topic costs us no memory."""


@dataclass(frozen=True, slots=True)
class Ends:
    """What all attempts of one bus share: the way out, what answers are opened and checked with, and whom to tell of an outdated key."""

    line: Callable[[], Awaitable[Line]]
    keys: RequesterKeys
    receipts: Receipts
    outdated: Callable[[], None]


class BusAttempt:
    """An Attempt."""

    def __init__(self, ends: Ends, question: asking.Question, deadline: Deadline, trace: Trace) -> None:
        self._ends, self._question, self._deadline = ends, question, deadline
        self._about = {"request_id": str(question.request_id), "trace_id": trace.trace_id}
        self._boxes: deque[str] = deque(maxlen=MOST_REPLIES)
        self._lost: Exception | None = None
        self._came = asyncio.Event()

    async def answered(self) -> Credential:
        self._lost = None
        try:
            async with asyncio.timeout(self._deadline.left()):
                line = await self._ends.line()
                line.put(self._question.record).add_done_callback(self._sent)
                return self._credential(await self._opened())
        except TimeoutError:
            raise unanswered("late", f"no answer within {self._deadline.seconds:g} s", **self._about) from None
        except (KafkaError, ConnectionError) as error:
            said = str(error) if type(error) is ConnectionError else type(error).__name__
            raise unanswered("kafka_unavailable", f"Kafka: {said}", **self._about) from None

    def offer(self, box: str) -> None:
        self._boxes.append(box)
        self._came.set()

    def lose(self, error: Exception) -> None:
        self._lost = error
        self._came.set()

    def _sent(self, done: "asyncio.Future[None]") -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            self.lose(error if isinstance(error, Exception) else ConnectionError(type(error).__name__))

    async def _opened(self) -> asking.Opened:
        """The first answer that opens and holds. All others are ignored: the right one may still come."""
        while True:
            while self._boxes:
                if (opened := await self._check(self._boxes.popleft())) is not None:
                    return opened
            if self._lost is not None:
                raise self._lost
            self._came.clear()
            await self._came.wait()

    async def _check(self, box: str) -> asking.Opened | None:
        receipts = self._ends.receipts
        try:
            return asking.opened(self._question, box, self._ends.keys, await receipts.checker(self._deadline))
        except BadReceipt as bad:
            if bad.code != "unknown_key" or not await receipts.renewed(self._deadline):
                return None
        except Broken:
            return None
        return await self._check(box)

    def _credential(self, answer: asking.Opened) -> Credential:
        receipt = Receipt(answer.index, answer.proof, answer.leaf, self._ends.receipts.log_key)
        if answer.fact is not None and answer.credential is not None:
            return self._lent(answer.fact, answer.credential, receipt)
        wording = {"message": (answer.fact or {}).get("message"), "code": "revoked", **(answer.problem or {})}
        if wording["code"] == "unknown_key":
            self._ends.outdated()
        raise from_problem(wording, receipt=receipt, known=self._about)

    def _lent(self, fact: Mapping[str, Any], secret: Secret, receipt: Receipt) -> Credential:
        try:
            return lent(fact, secret, receipt)
        except ValueError:
            raise Unproven("bad_answer", "what mint sealed is no credential", request_id=self._about["request_id"]) from None
