"""When a credential is replaced: the figures."""

from datetime import timedelta

import pytest

from counterfoil.client.freshness import Age, Kept, pause
from tests.client.lending import START, lent


def kept(life: timedelta, spread: float = 1.0) -> Kept:
    return Kept.since(START, lent(1, START + life), lambda _low, _high: spread)


@pytest.mark.parametrize(
    ("life", "ahead", "last"),
    [
        (timedelta(hours=12), timedelta(minutes=5), timedelta(seconds=30)),
        (timedelta(hours=1), timedelta(minutes=5), timedelta(seconds=30)),
        (timedelta(minutes=15), timedelta(minutes=3), timedelta(seconds=30)),
        (timedelta(minutes=5), timedelta(minutes=1), timedelta(seconds=15)),
        (timedelta(seconds=60), timedelta(seconds=12), timedelta(seconds=3)),
    ],
)
def test_it_is_replaced_ahead_and_waited_for_at_the_last(life: timedelta, ahead: timedelta, last: timedelta):
    one, end, tick = kept(life), START + life, timedelta(microseconds=1)

    assert [one.age(end - ahead - tick), one.age(end - ahead)] == [Age.FRESH, Age.AGING]
    assert [one.age(end - last - tick), one.age(end - last)] == [Age.AGING, Age.ENDING]
    assert [one.age(end - tick), one.age(end)] == [Age.ENDING, Age.DEAD]


def test_the_time_ahead_is_spread_by_a_tenth_either_way():
    asked: list[tuple[float, float]] = []
    Kept.since(START, lent(1, START + timedelta(hours=1)), lambda low, high: asked.append((low, high)) or 1.0)  # type: ignore[func-returns-value]

    assert asked == [(0.9, 1.1)]
    assert kept(timedelta(hours=1), 1.1).aging == START + timedelta(hours=1) - timedelta(minutes=5, seconds=30)


def test_one_that_comes_dead_is_dead():
    assert kept(timedelta(seconds=-5)).age(START) is Age.DEAD


def test_pauses_grow_to_a_limit_and_are_never_shorter_than_was_asked_for():
    assert [pause(failures, None).total_seconds() for failures in (1, 2, 3, 6, 99)] == [1, 2, 4, 30, 30]
    assert pause(1, 90).total_seconds() == 90
    assert pause(1, 1e8).total_seconds() == 86_400
