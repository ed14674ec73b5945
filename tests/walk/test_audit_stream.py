"""The consumer of docs/how-to/read-the-audit-stream.md, as it stands there, on the real stream: away, back, and again from the beginning."""

import asyncio
import json
from collections.abc import Collection
from typing import Any

import pytest

from tests.docs.pages import ROOT, blocks
from tests.support.town import Town
from tests.support.waiting import until

PAGE = ROOT / "docs/how-to/read-the-audit-stream.md"
GROUP = "consumer.siem"


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    names: dict[str, Any] = {}
    for block in blocks(PAGE, "python"):
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 it is the documentation's code that is tried
    return names


class Reading:
    """The documented consumer, running until it is told to stop: in the middle of whatever it does, as a process that is killed."""

    def __init__(self, town: Town, documented: dict[str, Any]) -> None:
        self.leaves: dict[int, dict[str, Any]] = {}
        self.topic = f"{town.plan.prefix}.audit.recorded.v1"
        self._read, self._servers = documented["read"], town.plan.kafka

    async def take(self, index: int, leaf: dict[str, Any]) -> None:
        self.leaves[index] = leaf

    async def until_it_has(self, wanted: Collection[int]) -> None:
        async def has() -> bool:
            return self.leaves.keys() >= set(wanted) or self.task.done()

        self.task = asyncio.create_task(self._read(self._servers, GROUP, self.take, topic=self.topic))
        try:
            await until(has)
        finally:
            self.task.cancel()
            await asyncio.wait([self.task])


async def recorded(town: Town) -> int:
    """The index of the newest leaf that the log has, after one more answer."""
    answer = await town.ask(scope="read")
    return int(answer.json()["receipt"]["index"])


async def log_of(town: Town) -> dict[int, dict[str, Any]]:
    async with town.sql() as db:
        return {row["idx"]: json.loads(row["bytes"]) for row in await db.fetch("SELECT idx, bytes FROM audit_leaf")}


def test_the_example_has_at_most_twenty_lines():
    assert all(len([line for line in block.splitlines() if line.strip()]) <= 20 for block in blocks(PAGE, "python"))


async def test_a_consumer_that_was_away_loses_nothing_and_may_begin_anew(town: Town, documented: dict[str, Any]):
    first, second, again = (Reading(town, documented) for _ in range(3))
    known = range(await recorded(town) + 1)
    await first.until_it_has(known)
    for _ in range(5):
        size = await recorded(town) + 1
    await second.until_it_has(range(len(known), size))
    await documented["rewind"](town.plan.kafka, GROUP, 0, topic=first.topic)
    await again.until_it_has(range(size))
    log, both = await log_of(town), first.leaves | second.leaves

    assert not second.leaves.keys() >= set(known)  # it went on where the first was, and not from the beginning
    assert both.keys() >= set(range(size))
    assert {index: log[index] for index in both} == both
    assert again.leaves.keys() >= set(range(size))


async def test_it_can_be_set_to_a_moment(town: Town, documented: dict[str, Any]):
    reading = Reading(town, documented)
    await documented["rewind"](town.plan.kafka, GROUP, 1 << 50, topic=reading.topic)
    newest = await recorded(town)
    await reading.until_it_has([newest])

    assert newest in reading.leaves
    assert not reading.leaves.keys() >= set(range(newest))
