"""The cache, with time in the test's hand and a lender that can fail and wait."""

import asyncio
import gc
from uuid import UUID

import pytest

from counterfoil import CounterfoilError, Denied, RateLimited, Revoked, Unavailable
from counterfoil.client.credential import Credential
from counterfoil.client.wallet import ROUNDS, Wallet
from tests.client.lending import Lender, settle

KEY = "key"


@pytest.fixture
def lender() -> Lender:
    return Lender()


@pytest.fixture
def wallet(lender: Lender) -> Wallet:
    return lender.wallet()


async def number(wallet: Wallet, lender: Lender, key: str = KEY) -> int:
    """Which of the loads one is given."""
    return (await wallet.get(key, lender.load)).credential_id.int


async def test_what_is_fresh_is_given_again(wallet: Wallet, lender: Lender):
    assert [await number(wallet, lender) for _ in range(3)] == [1, 1, 1]
    assert lender.loads == 1


async def test_another_key_is_another_credential(wallet: Wallet, lender: Lender):
    assert [await number(wallet, lender, key) for key in ("a", "b", "a")] == [1, 2, 1]


async def test_ten_who_ask_at_once_cause_one_load(wallet: Wallet, lender: Lender):
    assert set(await asyncio.gather(*(number(wallet, lender) for _ in range(10)))) == {1}
    assert lender.loads == 1


async def test_ten_who_ask_at_once_all_get_the_error_and_the_next_one_asks_anew(wallet: Wallet, lender: Lender):
    lender.errors = [Denied("no_link", "no")]
    found = await asyncio.gather(*(number(wallet, lender) for _ in range(10)), return_exceptions=True)

    assert all(isinstance(one, Denied) for one in found)
    assert lender.loads == 1
    assert await number(wallet, lender) == 2


async def test_ahead_of_its_end_it_is_replaced_while_the_old_one_is_given_out(wallet: Wallet, lender: Lender):
    await number(wallet, lender)
    lender.later(minutes=55)  # five minutes before the end

    lender.gate.clear()
    assert [await number(wallet, lender) for _ in range(3)] == [1, 1, 1]
    lender.gate.set()
    await settle()

    assert await number(wallet, lender) == 2
    assert lender.loads == 2


async def test_a_moment_earlier_nothing_is_loaded(wallet: Wallet, lender: Lender):
    await number(wallet, lender)
    lender.later(minutes=54, seconds=59)

    assert await number(wallet, lender) == 1
    await settle()
    assert lender.loads == 1


async def test_in_its_last_moments_whoever_asks_waits_for_the_new_one(wallet: Wallet, lender: Lender):
    await number(wallet, lender)
    lender.later(minutes=59, seconds=30)

    assert await number(wallet, lender) == 2


async def test_a_refresh_that_fails_leaves_the_old_one_in_use_to_its_true_end(wallet: Wallet, lender: Lender):
    await number(wallet, lender)
    for minutes, loads in ((55, 2), (4, 3), (0.9, 4)):
        lender.errors = [Unavailable("late", "no")]
        lender.later(minutes=minutes)
        assert await number(wallet, lender) == 1
        await settle()
        assert lender.loads == loads

    lender.errors = [Unavailable("late", "no")]
    lender.later(seconds=6)
    with pytest.raises(Unavailable):
        await number(wallet, lender)


async def test_an_error_that_is_not_ours_leaves_the_old_one_in_use_too(wallet: Wallet, lender: Lender):
    await number(wallet, lender)
    lender.errors = [ValueError("of a token callable")]
    lender.later(minutes=59, seconds=31)

    assert await number(wallet, lender) == 1


async def test_after_an_error_that_is_not_ours_it_rests_too(wallet: Wallet, lender: Lender):
    await number(wallet, lender)
    lender.errors = [ValueError("of a token callable")]
    lender.later(minutes=55)
    for _ in range(3):
        assert await number(wallet, lender) == 1
        await settle()

    assert lender.loads == 2


async def test_after_a_success_pauses_begin_anew(wallet: Wallet, lender: Lender):
    await number(wallet, lender)
    lender.later(minutes=55)
    for _ in range(3):  # 1 s, 2 s, 4 s
        lender.errors = [Unavailable("late", "no")]
        await number(wallet, lender)
        await settle()
        lender.later(seconds=4)
    await number(wallet, lender)
    await settle()
    lender.later(minutes=56)
    lender.errors = [Unavailable("late", "no")]
    for _ in range(2):
        assert await number(wallet, lender) == 5
        await settle()
        lender.later(seconds=1)
    await number(wallet, lender)
    await settle()

    assert lender.loads == 7


async def test_after_a_failure_it_is_not_tried_again_at_once(wallet: Wallet, lender: Lender):
    await number(wallet, lender)
    lender.errors = [Unavailable("late", "no")] * 2
    lender.later(minutes=55)
    loads = []
    for seconds in (0, 0.9, 0.2, 1.9, 0.2):  # a second's pause, then two
        lender.later(seconds=seconds)
        await number(wallet, lender)
        await settle()
        loads.append(lender.loads)

    assert loads == [2, 2, 3, 3, 4]


async def test_a_pause_that_was_asked_for_is_kept_in_the_last_moments_too(wallet: Wallet, lender: Lender):
    await number(wallet, lender)
    limited = RateLimited("limited", "no")
    limited.retry_after = 280
    lender.errors = [limited]
    lender.later(minutes=55)
    await number(wallet, lender)
    await settle()
    lender.later(seconds=275)

    assert await number(wallet, lender) == 1
    assert lender.loads == 2


async def test_what_its_holder_revoked_is_not_given_out_again(wallet: Wallet, lender: Lender):
    wallet.revoked(UUID(int=await number(wallet, lender)))

    assert await number(wallet, lender) == 2


async def test_revoking_cancels_the_load_that_is_under_way_and_gives_back_what_it_brings(wallet: Wallet, lender: Lender):
    await number(wallet, lender)
    lender.later(minutes=59, seconds=31)
    lender.gate.clear()
    waiting = asyncio.create_task(number(wallet, lender))
    await settle()

    wallet.revoked(UUID(int=1))
    later = asyncio.create_task(number(wallet, lender))
    lender.gate.set()

    assert [await waiting, await later] == [3, 3]
    await settle()
    assert [one.credential_id.int for one in lender.given_back] == [2]


async def test_an_error_of_a_load_that_was_cancelled_is_nobodys(wallet: Wallet, lender: Lender):
    await number(wallet, lender)
    lender.later(minutes=59, seconds=31)
    lender.gate.clear()
    waiting = asyncio.create_task(number(wallet, lender))
    await settle()

    lender.errors = [Unavailable("late", "no")]
    wallet.revoked(UUID(int=1))
    lender.gate.set()

    assert await waiting == 3


async def test_revoking_touches_no_other_key(wallet: Wallet, lender: Lender):
    await number(wallet, lender, "a")
    await number(wallet, lender, "b")
    wallet.revoked(UUID(int=1))

    assert [await number(wallet, lender, key) for key in ("b", "a")] == [2, 3]


async def test_what_was_revoked_by_others_is_dropped_and_nothing_else(wallet: Wallet, lender: Lender):
    await number(wallet, lender, "a")
    await number(wallet, lender, "b")
    wallet.settled(UUID(int=1))
    wallet.settled(UUID(int=77))

    assert [await number(wallet, lender, key) for key in ("b", "a")] == [2, 3]


async def test_the_end_of_one_that_was_replaced_does_not_touch_its_successor(wallet: Wallet, lender: Lender):
    await number(wallet, lender)
    lender.later(minutes=59, seconds=31)
    assert await number(wallet, lender) == 2
    wallet.settled(UUID(int=1))
    wallet.revoked(UUID(int=1))

    assert await number(wallet, lender) == 2


async def test_news_of_an_end_that_overtakes_the_credential_counts(wallet: Wallet, lender: Lender):
    lender.gate.clear()
    waiting = asyncio.create_task(number(wallet, lender))
    await settle()
    wallet.settled(UUID(int=1))
    lender.gate.set()

    assert await waiting == 2
    assert lender.given_back == []  # it is dead already


async def test_what_is_revoked_each_time_is_said_to_be(wallet: Wallet, lender: Lender):
    for credential in range(1, ROUNDS + 1):
        wallet.settled(UUID(int=credential))

    with pytest.raises(Revoked):
        await number(wallet, lender)
    assert lender.loads == ROUNDS


async def test_one_that_was_not_accepted_is_replaced_once_though_many_say_so(wallet: Wallet, lender: Lender):
    first = await wallet.get(KEY, lender.load)

    async def again() -> int:
        wallet.instead_of(KEY, first)
        return await number(wallet, lender)

    assert set(await asyncio.gather(*(again() for _ in range(5)))) == {2}
    assert await again() == 2


async def test_after_a_silence_everything_is_asked_for_anew(wallet: Wallet, lender: Lender):
    await number(wallet, lender, "a")
    lender.gate.clear()
    waiting = asyncio.create_task(number(wallet, lender, "b"))
    await settle()
    wallet.forget_all()
    lender.gate.set()

    assert [await number(wallet, lender, "a"), await waiting] in ([3, 4], [4, 3])
    await settle()
    assert [one.credential_id.int for one in lender.given_back] == [2]


async def test_it_is_bounded_and_forgets_what_was_used_longest_ago(lender: Lender):
    wallet = lender.wallet(limit=2)
    for key in ("a", "b", "a", "c"):
        await number(wallet, lender, key)

    assert [await number(wallet, lender, key) for key in ("a", "c", "b")] == [1, 3, 4]
    gc.collect()
    assert len(wallet._holders) == 2


async def test_a_key_that_is_refreshed_for_ever_leaves_nothing_behind(wallet: Wallet, lender: Lender):
    for _ in range(5):
        await number(wallet, lender)
        lender.later(hours=1)

    assert len(wallet._holders) == 1


async def test_who_gives_up_waiting_does_not_end_the_load_for_the_others(wallet: Wallet, lender: Lender):
    lender.gate.clear()
    impatient, patient = asyncio.create_task(number(wallet, lender)), asyncio.create_task(number(wallet, lender))
    await settle()
    impatient.cancel()
    await settle()
    lender.gate.set()

    assert await patient == 1
    assert impatient.cancelled()


async def test_who_waits_while_it_is_closed_is_told(wallet: Wallet, lender: Lender):
    lender.gate.clear()
    waiting = asyncio.create_task(number(wallet, lender))
    await settle()
    await wallet.close()

    with pytest.raises(CounterfoilError, match="closed"):
        await waiting


async def test_closing_sees_through_what_is_being_given_back():
    lender, back = Lender(), asyncio.Event()
    seen: list[Credential] = []

    async def give_back(credential: Credential) -> None:
        await back.wait()
        seen.append(credential)

    wallet = Wallet(give_back, now=lambda: lender.now)
    await number(wallet, lender)
    lender.later(hours=2)
    lender.gate.clear()
    waiting = asyncio.create_task(number(wallet, lender))
    await settle()
    wallet.forget_all()
    lender.gate.set()
    await waiting
    closing = asyncio.create_task(wallet.close())
    await settle()
    assert not closing.done()
    back.set()
    await closing

    assert [one.credential_id.int for one in seen] == [2]
