"""Limits, counted where credentials are: over all that asks, whoever counts beside."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.contracts.registry import Limits
from counterfoil_server.domain.intent import Refuse
from services.providers.wanted import Intent
from tests.ledger.conftest import Books

pytestmark = pytest.mark.real


async def test_a_connector_lends_no_more_at_once_than_its_cap_and_says_when_the_next_is_over(books: Books):
    two = {"limits": Limits(live=2)}
    first, second, third = await books.intend(*(books.wanted(limited=two, lifetime=30) for _ in range(3)))

    assert isinstance(first, Intent)
    assert isinstance(second, Intent)
    assert isinstance(third, Refuse)
    assert (third.code, third.message) == ("limited", "the connector may have 2 credentials alive at once")
    assert 25 <= (third.retry_after or 0) <= 30


async def test_what_is_over_leaves_its_place(books: Books):
    one = {"limits": Limits(live=1)}
    [intent] = await books.intend(books.wanted(limited=one))
    await books.owner.execute("UPDATE mint SET state = 'revoked' WHERE credential_id = $1", intent.credential_id)

    [after] = await books.intend(books.wanted(limited=one))
    assert isinstance(after, Intent)


@pytest.mark.parametrize("state", ["active", "revoking", "stuck", "uncertain"])
async def test_what_may_be_alive_counts(books: Books, state: str):
    one = {"limits": Limits(live=1)}
    [intent] = await books.intend(books.wanted(limited=one))
    await books.owner.execute("UPDATE mint SET state = $2 WHERE credential_id = $1", intent.credential_id, state)

    [after] = await books.intend(books.wanted(limited=one))
    assert isinstance(after, Refuse)


async def test_a_minute_counts_what_was_given_back_too_and_not_what_failed_or_is_older(books: Books):
    one = {"limits": Limits(per_minute=1)}
    [intent] = await books.intend(books.wanted(limited=one))
    await books.owner.execute("UPDATE mint SET state = 'revoked' WHERE credential_id = $1", intent.credential_id)
    [refused] = await books.intend(books.wanted(limited=one))
    assert isinstance(refused, Refuse)
    assert 58 <= (refused.retry_after or 0) <= 60

    await books.owner.execute("UPDATE mint SET state = 'failed' WHERE credential_id = $1", intent.credential_id)
    [after] = await books.intend(books.wanted(limited=one))
    assert isinstance(after, Intent)
    await books.owner.execute("UPDATE mint SET sent_at = $1", datetime.now(UTC) - timedelta(seconds=61))
    [later] = await books.intend(books.wanted(limited=one))
    assert isinstance(later, Intent)


async def test_one_subject_does_not_use_up_anothers(books: Books):
    each = {"each_subject": Limits(live=1)}
    mine, again, other = await books.intend(
        books.wanted(limited=each, sub_hash="a" * 64), books.wanted(limited=each, sub_hash="a" * 64), books.wanted(limited=each, sub_hash="b" * 64)
    )
    assert isinstance(mine, Intent)
    assert isinstance(again, Refuse)
    assert again.message.startswith("this subject")
    assert isinstance(other, Intent)


async def test_ten_that_count_at_the_same_time_lend_no_more_than_the_cap(books: Books):
    three = {"limits": Limits(live=3)}
    found = await asyncio.gather(*(books.intend(books.wanted(limited=three)) for _ in range(10)))
    assert sum(isinstance(one, Intent) for [one] in found) == 3


async def test_a_repeat_is_answered_whatever_the_limit_says(books: Books):
    one = {"limits": Limits(live=1)}
    wanted = books.wanted(limited=one)
    [intent] = await books.intend(wanted)
    await books.ledger.swap([books.finished(intent)])

    [repeat] = await books.intend(wanted)
    assert not isinstance(repeat, Refuse)
