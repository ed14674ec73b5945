"""Trying again, with time in the test's hand."""

from dataclasses import dataclass, field
from uuid import UUID

import pytest

from counterfoil import CounterfoilError, Denied, RateLimited, Unavailable
from counterfoil.client.deadline import Deadline
from counterfoil.client.errors import unanswered
from counterfoil.client.tries import persist

ID = UUID(int=1)


@dataclass
class Script:
    """Each try raises the next of `errors`, then answers. `prepared` has the ids; `rests` the pauses."""

    errors: list[CounterfoilError]
    prepared: list[UUID] = field(default_factory=list)
    tries: int = 0
    rests: list[float] = field(default_factory=list)

    async def prepare(self, request_id: UUID) -> "Script":
        self.prepared.append(request_id)
        return self

    async def answered(self) -> str:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        return "good"

    async def rest(self, seconds: float) -> None:
        self.rests.append(seconds)


async def go(script: Script, seconds: float = 10) -> str:
    return await persist(script.prepare, ID, Deadline(seconds), script.rest)


async def test_a_lost_answer_repeats_the_very_same_attempt():
    script = Script([unanswered("late", "nothing"), unanswered("late", "nothing")])

    assert await go(script) == "good"
    assert script.prepared == [ID]
    assert script.tries == 3


async def test_an_answer_that_may_be_asked_again_gets_a_new_id():
    script = Script([Unavailable("stale_decision", "", retryable=True)])

    assert await go(script) == "good"
    assert script.prepared[0] == ID
    assert script.prepared[1] != ID


async def test_a_final_no_is_final():
    script = Script([Denied("no_link", "")])

    with pytest.raises(Denied):
        await go(script)
    assert script.tries == 1


async def test_three_tries_are_all():
    script = Script([unanswered("late", "nothing")] * 3)

    with pytest.raises(Unavailable):
        await go(script)
    assert script.tries == 3


async def test_pauses_grow_at_most_and_lie_within_the_deadline():
    script = Script([unanswered("late", "nothing")] * 2)
    await go(script)

    assert all(0 <= rest <= most for rest, most in zip(script.rests, (0.2, 0.4), strict=True))


async def test_a_pause_beyond_the_deadline_is_not_waited_for():
    limited = RateLimited("rate_limited", "", retryable=True)
    limited.retry_after = 30
    script = Script([limited])

    with pytest.raises(RateLimited):
        await go(script, 10)
    assert script.rests == []


async def test_a_pause_that_was_asked_for_is_kept():
    limited = RateLimited("rate_limited", "", retryable=True)
    limited.retry_after = 5
    script = Script([limited])

    assert await go(script) == "good"
    assert script.rests == [5]
