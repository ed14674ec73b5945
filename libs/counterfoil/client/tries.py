"""Trying again: only what can help, at most three times, with full jitter, within the one deadline.

An id and its bytes are repeated only where no answer came. After any answer, whatever it said, a retry takes a new id.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar
from uuid import UUID, uuid4

from counterfoil.client.deadline import Deadline
from counterfoil.client.errors import CounterfoilError

TRIES = 3
FIRST, LONGEST = 0.1, 2.0
Rest = Callable[[float], Awaitable[None]]
Answer_co = TypeVar("Answer_co", covariant=True)


class Attempt(Protocol[Answer_co]):
    """One request, ready to be sent: the same each time."""

    async def answered(self) -> Answer_co: ...


async def persist(
    prepare: Callable[[UUID], Awaitable[Attempt[Answer_co]]], request_id: UUID, deadline: Deadline, rest: Rest = asyncio.sleep
) -> Answer_co:
    attempt: Attempt[Answer_co] | None = None
    for turn in range(1, TRIES + 1):
        try:
            attempt = attempt or await prepare(request_id)
            return await attempt.answered()
        except CounterfoilError as error:
            wait = pause(error, turn)
            if not error.retryable or turn == TRIES or wait >= deadline.left():
                raise
            if error.answered:
                attempt, request_id = None, uuid4()
        await rest(wait)
    raise AssertionError("the last try returns or raises")


def pause(error: CounterfoilError, turn: int) -> float:
    jitter = random.uniform(0, min(LONGEST, FIRST * 2**turn))  # noqa: S311 it spreads load and keeps no secret
    return max(jitter, error.retry_after or 0)
