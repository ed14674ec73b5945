"""Leaves beside the facts that the topics hold."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from counterfoil_server.replay.source import BadSource, members
from services.ops.replay.stage_audit import TOPICS
from services.ops.replay.stage_leaves import MARGIN, Held, compare
from services.ops.replay.stage_tally import Tally
from tests.replay.stages import Walked
from tests.replay.test_stage_audit import Log, walked
from tests.support.facts import NOW, connector

SECOND = timedelta(seconds=1)
WIDE = Held(NOW - timedelta(hours=1), NOW + timedelta(hours=1))


async def leaves(traffic: Walked) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    for index, text in traffic.texts:
        yield index, members(index, text)


async def compared(traffic: Walked, facts: set[bytes], held: Held = WIDE) -> tuple[int, Tally]:
    tally = Tally("audit")
    return await compare(leaves(traffic), dict.fromkeys(TOPICS, held), facts, tally), tally


def one() -> Walked:
    """Its only leaf is of now."""
    return Walked(connector())


async def test_each_leaf_has_its_fact():
    traffic = walked()
    found, tally = await compared(traffic, set(Log(traffic).known))

    assert (found, tally.different) == (len(traffic.texts), 0)


async def test_a_leaf_without_its_fact_is_named():
    traffic = walked()
    facts = set(Log(traffic).known)
    index, text = traffic.texts[3]
    facts.remove(bytes.fromhex(members(index, text)["fact_sha256"]))

    found, tally = await compared(traffic, facts)

    assert (found, tally.different) == (len(traffic.texts) - 1, 1)
    assert (tally.shown[0].where, tally.shown[0].kind) == ("leaf 3", "grant.approved")
    assert tally.shown[0].request_id == members(index, text)["fact"]["asked"]["request_id"]


@pytest.mark.parametrize(
    ("held", "named"),
    [(Held(NOW - MARGIN, NOW + MARGIN), 1), (Held(NOW - MARGIN + SECOND, NOW + MARGIN), 0), (Held(NOW - MARGIN, NOW + MARGIN - SECOND), 0)],
    ids=["within", "from before what is held", "recorded as the reading began"],
)
async def test_a_fact_is_missed_only_where_it_has_to_lie(held: Held, named: int):
    assert (await compared(one(), set(), held))[1].different == named


async def test_of_a_topic_that_is_empty_nothing_is_missed():
    tally = Tally("audit")

    assert (await compare(leaves(walked()), {}, set(), tally), tally.different) == (0, 0)


async def test_a_leaf_without_a_time_is_no_leaf():
    async def broken() -> AsyncIterator[tuple[int, dict[str, Any]]]:
        async for index, leaf in leaves(one()):
            yield index, {**leaf, "time": "soon"}

    with pytest.raises(BadSource, match="leaf 0 has no time"):
        await compare(broken(), dict.fromkeys(TOPICS, WIDE), set(), Tally("audit"))
