"""Loops outlive what is away for a while, and nothing else."""

import asyncio

import asyncpg
import pytest

from counterfoil_server.runtime.loops import forever


async def test_a_turn_that_was_cut_off_is_taken_again():
    turns: list[int] = []

    async def turn(number: int) -> None:
        turns.append(number)
        if number < 2:
            raise asyncpg.InterfaceError("connection was closed")
        if number == 3:
            raise KeyError("enough")

    with pytest.raises(KeyError):
        await forever("test", turn, 0.001)
    assert turns == [0, 1, 2, 3]


async def test_a_mistake_of_our_own_ends_it():
    async def turn(_: int) -> None:
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        await forever("test", turn, 0.001)


async def test_where_there_is_more_to_do_nobody_sleeps():
    numbers: list[int] = []

    async def turn(number: int) -> bool:
        numbers.append(number)
        if number == 50:
            raise KeyError("enough")
        return True

    with pytest.raises(KeyError):
        await asyncio.wait_for(forever("test", turn, 60), 5)
    assert len(numbers) == 51
