"""What a service is made of: stages. A stage takes facts of its topics in batches and emits facts of others."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import asyncpg

from counterfoil.contracts.base import Message, Topic
from counterfoil.wire.envelope import encode
from counterfoil.wire.kafka import KafkaError
from counterfoil_server.runtime.telemetry.current import within

TRANSPORT = (
    KafkaError,
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg raises for a connection that was ended between two statements
    # Whole classes of SQLSTATE, for none of them is about what a message says: 25, 40, 53, 57, 58.
    asyncpg.InvalidTransactionStateError,
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
)
"""What stops a batch, to be taken again. Everything else is the fault of one message."""


@dataclass(frozen=True, slots=True, eq=False)
class Received:
    """One readable, rightly signed record. `value` is the exact bytes that were signed."""

    topic: Topic
    fact: Any
    value: bytes = field(repr=False)
    headers: Mapping[str, bytes] = field(repr=False)
    partition: int
    offset: int
    at_ms: int
    """When the broker appended it, milliseconds since the epoch."""
    role: str = ""
    """Whose signature it carries; empty on a topic that nobody signs."""


@dataclass(frozen=True, slots=True, eq=False)
class Out:
    """One fact on its way out. `cause` gives it trace context, deadline and, within an exchange, its partition."""

    topic: Topic
    fact: Message
    key: str
    event_id: str
    cause: Received | None = None
    partition: int | None = None
    value: bytes = field(default=b"", repr=False)
    headers: tuple[tuple[str, bytes], ...] = ()

    def bytes(self) -> bytes:
        return self.value or encode(self.fact)


class Emit(Protocol):
    """Signs and sends. What it returns resolves when the broker has acknowledged everything that was given."""

    def __call__(self, outs: Sequence[Out]) -> Awaitable["asyncio.Future[Any]"]: ...

    def onward(self) -> None:
        """What is left of this batch waits for others: where the stage has a window, the next may come meanwhile."""

    def bury(self, one: Received, fault: Exception) -> None:
        """Make a dead letter of this message: its original bytes, with the reason."""


SLOW = 0.05
"""Seconds after which the next batch need not wait for this one. At once would make small batches of what answers at once."""


@contextmanager
def onward_soon(emit: Emit) -> Iterator[None]:
    """Around what waits for others."""
    timer = asyncio.get_running_loop().call_later(SLOW, emit.onward)
    try:
        yield
    finally:
        timer.cancel()


OnBatch = Callable[[Sequence[Received], Emit], Awaitable[None]]


@dataclass(frozen=True)
class Stage:
    """`group` names its consumer group. A batch that raises is taken message by message, and the one that raises again is a dead letter.

    `acked`: the crash point between the broker's acknowledgement and the commit. `window`: how many records may be open in batches side by side; 0:
    one batch after the other.
    """

    group: str
    reads: tuple[Topic, ...]
    writes: tuple[Topic, ...]
    on_batch: OnBatch
    max_records: int = 500
    acked: str = ""
    window: int = 0


class DeadLetter(Exception):
    """This message cannot be answered. The code says why; it quotes nothing."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def each_now(batch: Sequence[Received], emit: Emit, handle: Callable[[Received], Any]) -> list[tuple[Received, Any]]:
    """As `each`, for what waits for nothing: a task would cost more than the message."""
    good = []
    for one in batch:
        try:
            good.append((one, handle(one)))
        except TRANSPORT:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, it is this message's
            emit.bury(one, error)
    return good


async def each(batch: Sequence[Received], emit: Emit, handle: Callable[[Received], Awaitable[Any]]) -> list[tuple[Received, Any]]:
    """Every message by itself, all at once. One that raises is a dead letter and disturbs no other; a transport error stops the batch."""

    async def alone(one: Received) -> Any:
        with within(one):
            return await handle(one)

    results = await asyncio.gather(*(alone(one) for one in batch), return_exceptions=True)
    good = []
    for one, result in zip(batch, results, strict=True):
        if not isinstance(result, BaseException):
            good.append((one, result))
        elif isinstance(result, TRANSPORT) or not isinstance(result, Exception):
            raise result
        else:
            emit.bury(one, result)
    return good


def answer(topic: Topic, fact: Any, cause: Received) -> Out:
    """A fact of the same exchange: same key, and so, topics having equal partition counts, the same partition."""
    return Out(topic, fact, key=str(fact.asked.request_id), event_id=str(fact.id), cause=cause, partition=cause.partition)
