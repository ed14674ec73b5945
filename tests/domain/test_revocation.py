"""How long a revocation waits, and when it counts as stuck."""

from datetime import timedelta

import pytest

from counterfoil_server.domain import revocation
from tests.support.facts import NOW


def test_waits_double_up_to_a_minute():
    waits = [revocation.wait(attempts).total_seconds() for attempts in range(12)]
    assert waits[:4] == [0.5, 1, 2, 4]
    assert waits == sorted(waits)
    assert waits[-1] == 60


@pytest.mark.parametrize(("attempts", "age", "expected"), [(9, 0, False), (10, 0, True), (1, 299, False), (1, 300, True)])
def test_stuck_is_an_alarm_after_ten_tries_or_five_minutes(attempts: int, age: int, expected: bool):
    assert revocation.stuck(attempts, NOW - timedelta(seconds=age), NOW) is expected


def test_only_what_ends_by_itself_is_ever_let_be():
    expired = NOW - timedelta(hours=2)
    assert revocation.over(expired, NOW, ends_by_itself=True)
    assert not revocation.over(expired, NOW, ends_by_itself=False)
    assert not revocation.over(NOW - timedelta(minutes=59), NOW, ends_by_itself=True)
