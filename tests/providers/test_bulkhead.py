"""A connector has so many places and so much in hand, and no other connector's are touched by it."""

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from services.providers.bulkhead import Bulkhead


@dataclass(eq=False)
class Asked:
    """What the bulkhead looks at; equal to itself alone, as a Wanted is."""

    key: int
    connector: SimpleNamespace


def wanted(key: int, connector: str = "slow/a") -> Any:
    return Asked(key, SimpleNamespace(name=connector))


async def test_so_many_at_once_and_the_others_in_their_order():
    bulkhead, entered = Bulkhead(calls=2), list[int]()
    every = [wanted(key) for key in range(5)]
    assert all(bulkhead.admit(one) for one in every)

    async def go(one: Any) -> None:
        await bulkhead.enter(one)
        entered.append(one.key)

    tasks = [asyncio.create_task(go(one)) for one in every]
    await asyncio.sleep(0)
    assert entered == [0, 1]
    assert not bulkhead.free(wanted(9))
    assert bulkhead.free(wanted(9, "fast/b"))
    for number in range(5):
        bulkhead.leave(every[number])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert entered == list(range(min(5, number + 3)))
    await asyncio.gather(*tasks)


async def test_what_a_connector_has_in_hand_is_bounded_and_frees_as_it_leaves():
    bulkhead = Bulkhead(share=3)
    three = [wanted(key) for key in range(3)]
    assert [bulkhead.admit(one) for one in three] == [True] * 3
    assert not bulkhead.admit(wanted(3))
    assert bulkhead.admit(wanted(4, "fast/b"))
    bulkhead.leave(three[0])  # admitted, and never entered
    bulkhead.leave(three[0])
    assert bulkhead.admit(wanted(5))
    assert not bulkhead.admit(wanted(6))


async def test_the_same_callers_same_id_waits_for_the_first():
    bulkhead, first, again = Bulkhead(), wanted(1), wanted(1)
    assert bulkhead.admit(first)
    assert bulkhead.admit(again)
    await bulkhead.enter(first)
    assert not bulkhead.free(again)
    second = asyncio.create_task(bulkhead.enter(again))
    await asyncio.sleep(0)
    bulkhead.leave(again)  # not it that is inside
    await asyncio.sleep(0)
    assert not second.done()
    bulkhead.leave(first)
    await second


async def test_who_gives_up_waiting_for_a_place_takes_none_and_holds_up_nobody_of_its_key():
    bulkhead, first, second, third = Bulkhead(calls=1), wanted(1), wanted(2), wanted(2)
    for one in (first, second, third):
        assert bulkhead.admit(one)
    await bulkhead.enter(first)
    waiting = asyncio.create_task(bulkhead.enter(second))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    bulkhead.leave(second)
    bulkhead.leave(first)
    await asyncio.wait_for(bulkhead.enter(third), 5)
