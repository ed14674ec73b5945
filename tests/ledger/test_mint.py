"""Intent, call, swap: what the ledger says before and after each, and what it does with what was interrupted."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from counterfoil.contracts.exchange_verified import TokenUse
from counterfoil_server.domain.intent import Refuse, Repeat
from counterfoil_server.runtime.store import locks
from counterfoil_server.runtime.store.database import Connection
from services.providers import pausing
from services.providers.ledger import Failed
from services.providers.seam import Idempotency, Revocation
from services.providers.wanted import Intent
from tests.ledger.conftest import Books, Declared

POSSESSION = Declared(revocation=Revocation.BY_POSSESSION, idempotency=Idempotency.NONE, ends_by_itself=True)


async def test_an_intent_is_durable_before_the_call_and_active_after_the_swap(books: Books):
    (intent,) = await books.intend(books.wanted())
    assert isinstance(intent, Intent)
    assert await books.state(intent.credential_id) == "minting"
    assert intent.window_closes_at <= intent.wanted.grant.asked.deadline
    assert await books.ledger.swap([books.finished(intent)]) == {intent.credential_id}
    assert await books.state(intent.credential_id) == "active"


async def test_the_same_message_again_after_the_swap_is_the_same_bytes(books: Books):
    wanted = books.wanted()
    (intent,) = await books.intend(wanted)
    finished = books.finished(intent)
    await books.ledger.swap([finished])
    assert await books.intend(wanted) == [Repeat(finished.fact)]


async def test_a_crash_after_the_intent_is_taken_over_and_the_first_attempt_ordered_dead_once_its_window_has_closed(books: Books):
    wanted = books.wanted()
    (first,) = await books.intend(wanted)
    (second,) = await books.intend(wanted)
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.credential_id != second.credential_id
    assert await books.state(first.credential_id) == "revoking"
    assert await books.ordered(first.credential_id) == "orphan"
    assert await books.owner.fetchval("SELECT next_at > clock_timestamp() FROM revocation WHERE credential_id = $1", first.credential_id)
    assert await books.ledger.swap([books.finished(first), books.finished(second)]) == {second.credential_id}


async def test_a_crash_where_no_name_tells_is_never_repeated(books: Books):
    wanted = books.wanted(provider=POSSESSION)
    (first,) = await books.intend(wanted)
    (again,) = await books.intend(wanted)
    assert isinstance(again, Refuse)
    assert again.code == "provider_unknown"
    assert await books.state(first.credential_id) == "revoking"
    assert await books.owner.fetchval("SELECT count(*) FROM mint") == 1
    assert not await due(books)  # its call may be on the wire yet: what ended it now would not end what it makes


async def due(books: Books) -> list[object]:
    return [row[0] for row in await books.owner.fetch("SELECT credential_id FROM revocation WHERE next_at <= clock_timestamp()")]


async def test_after_too_many_attempts_the_last_one_is_ended_when_its_window_has_closed(books: Books):
    wanted = books.wanted()
    for _ in range(3):
        (last,) = await books.intend(wanted)
    (verdict,) = await books.intend(wanted)

    assert isinstance(verdict, Refuse)
    assert verdict.code == "provider_unknown"
    assert await books.ordered(last.credential_id) == "orphan"
    assert not await due(books)


@pytest.mark.parametrize(("window", "deadline", "closes"), [(2, 60, 2), (60, 60, 3), (60, 1.5, 1.5)])
async def test_a_call_has_no_longer_than_its_provider_its_request_and_we_allow(books: Books, window: float, deadline: float, closes: float):
    wanted = books.wanted(provider=Declared(window=timedelta(seconds=window)), deadline=deadline)
    (intent,) = await books.intend(wanted)
    at_the_latest = wanted.grant.asked.deadline if closes == deadline else intent.sent_at + timedelta(seconds=closes)

    assert intent.window_closes_at == at_the_latest
    assert intent.order().window_closes_at == at_the_latest
    assert await books.owner.fetchval("SELECT window_closes_at FROM mint") == at_the_latest


@pytest.mark.parametrize(
    "meanwhile",
    [
        "UPDATE connector SET state = 'fenced'",
        "UPDATE connector SET epoch = epoch + 1",
        "INSERT INTO block (id, project, since) VALUES (gen_random_uuid(), 'web', clock_timestamp())",
        "INSERT INTO block (id, project, since, lifted_at) VALUES (gen_random_uuid(), 'web', clock_timestamp(), clock_timestamp())",
        "INSERT INTO block (id, sub_hash, environment, since) VALUES (gen_random_uuid(), repeat('c', 64), 'production', clock_timestamp())",
        "UPDATE mint SET state = 'revoking'",
    ],
)
async def test_a_swap_that_does_not_hold_any_more_orders_the_end_of_what_was_minted(books: Books, meanwhile: str):
    (intent,) = await books.intend(books.wanted())
    await books.owner.execute(meanwhile)
    assert await books.ledger.swap([books.finished(intent, seal_2=b"seal")]) == set()
    assert await books.state(intent.credential_id) == "revoking"
    assert await books.ordered(intent.credential_id) == "orphan"
    row = await books.owner.fetchrow("SELECT handle, seal_2 FROM mint WHERE credential_id = $1", intent.credential_id)
    assert row["seal_2"] == b"seal"  # what revoking needs is kept
    assert "cf_x" in row["handle"]


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        ("UPDATE connector SET state = 'fenced'", "revoked"),
        ("INSERT INTO block (id, issuer, since) VALUES (gen_random_uuid(), 'https://issuer.example', clock_timestamp())", "revoked"),
        ("UPDATE connector SET revision = 8", "stale_decision"),
        ("UPDATE heartbeat SET at = at - interval '6 seconds'", "audit_unavailable"),
        ("UPDATE heartbeat SET caught_up_to = at - interval '6 seconds'", "audit_unavailable"),
        ("DELETE FROM heartbeat", "audit_unavailable"),
        ("DELETE FROM connector", "unknown_connector"),
    ],
)
async def test_what_stands_in_the_way_writes_no_intent(books: Books, standing: str, expected: str):
    await books.owner.execute(standing)
    (verdict,) = await books.intend(books.wanted())
    assert isinstance(verdict, Refuse)
    assert verdict.code == expected
    assert await books.owner.fetchval("SELECT count(*) FROM mint") == 0


async def test_while_audit_is_behind_mint_pauses_and_goes_on_when_it_has_caught_up(books: Books):
    await books.owner.execute("UPDATE heartbeat SET caught_up_to = at - interval '6 seconds'")
    paused = asyncio.create_task(pausing.intended(lambda some: books.intend(*some), [books.wanted()]))
    done, _ = await asyncio.wait([paused], timeout=0.6)
    assert not done

    await books.owner.execute("UPDATE heartbeat SET at = clock_timestamp(), caught_up_to = clock_timestamp()")

    assert isinstance((await paused)[0], Intent)


async def test_it_pauses_no_longer_than_it_is_worth_and_holds_up_nothing_else(books: Books, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pausing, "LONGEST", 0.3)
    await books.owner.execute("UPDATE heartbeat SET caught_up_to = at - interval '6 seconds'")

    (verdict,) = await pausing.intended(lambda some: books.intend(*some), [books.wanted()])

    assert isinstance(verdict, Refuse)
    assert verdict.code == "audit_unavailable"
    assert await books.owner.fetchval("SELECT count(*) FROM mint") == 0


@pytest.mark.parametrize(
    "block", ["lifted_at = clock_timestamp()", "until = clock_timestamp() - interval '1 second'", "project = 'other'", "sub_hash = repeat('0', 64)"]
)
async def test_a_block_that_does_not_concern_it_stops_nothing(books: Books, block: str):
    await books.owner.execute("INSERT INTO block (id, project, since) VALUES (gen_random_uuid(), 'web', clock_timestamp())")
    await books.owner.execute(f"UPDATE block SET {block}")  # noqa: S608 - a name of the test's own
    (verdict,) = await books.intend(books.wanted())
    assert isinstance(verdict, Intent)
    assert await books.ledger.swap([books.finished(verdict)]) == {verdict.credential_id}


async def test_the_same_wish_in_new_bytes_ends_what_the_first_minted(books: Books):
    request_id = uuid4()
    (first,) = await books.intend(books.wanted(request_id=request_id))
    (waits,) = await books.intend(books.wanted(request_id=request_id))
    await books.ledger.swap([books.finished(first)])
    (answered,) = await books.intend(books.wanted(request_id=request_id))
    assert (waits.code, answered.code) == ("in_progress", "already_answered")
    assert await books.state(first.credential_id) == "revoking"
    assert await books.ordered(first.credential_id) == "superseded"


async def test_another_wish_under_the_same_id_is_refused_and_the_first_lives_on(books: Books):
    request_id = uuid4()
    (first,) = await books.intend(books.wanted(request_id=request_id))
    await books.ledger.swap([books.finished(first)])
    (verdict,) = await books.intend(books.wanted(request_id=request_id, wish_hash="0" * 64))
    assert verdict.code == "request_id_reused"
    assert await books.state(first.credential_id) == "active"


async def test_an_id_is_worth_nothing_to_a_stranger(books: Books):
    request_id = uuid4()
    (mine,) = await books.intend(books.wanted(request_id=request_id))
    (theirs,) = await books.intend(books.wanted(request_id=request_id, sub_hash="0" * 64))
    assert isinstance(mine, Intent)
    assert isinstance(theirs, Intent)


async def test_parallel_twins_in_two_processes_write_one_intent(books: Books):
    request_id = uuid4()
    verdicts = [one for many in await asyncio.gather(*(books.intend(books.wanted(request_id=request_id)) for _ in range(8))) for one in many]
    assert sum(isinstance(one, Intent) for one in verdicts) == 1
    assert {one.code for one in verdicts if isinstance(one, Refuse)} == {"in_progress"}


async def test_a_single_use_token_is_spent_by_the_request_that_comes_first(books: Books):
    use = TokenUse(digest="1" * 64, expires=int(datetime.now(UTC).timestamp()) + 60)
    verdicts = [one for many in await asyncio.gather(*(books.intend(books.wanted(token_use=use)) for _ in range(6))) for one in many]
    assert sum(isinstance(one, Intent) for one in verdicts) == 1
    assert {one.code for one in verdicts if isinstance(one, Refuse)} == {"replayed"}


async def test_a_sure_no_is_over_and_is_repeated_as_it_was(books: Books):
    wanted = books.wanted()
    (intent,) = await books.intend(wanted)
    said: object = None
    await books.ledger.fail([Failed(intent, said, b"the no", lost=False)])  # type: ignore[arg-type]
    assert await books.state(intent.credential_id) == "failed"
    assert await books.ordered(intent.credential_id) is None
    assert await books.intend(wanted) == [Repeat(b"the no")]


async def test_what_may_have_happened_is_ended_when_its_window_has_closed(books: Books):
    (intent,) = await books.intend(books.wanted())
    said: object = None
    await books.ledger.fail([Failed(intent, said, b"unknown", lost=True)])  # type: ignore[arg-type]
    assert await books.state(intent.credential_id) == "revoking"
    due = await books.owner.fetchval("SELECT next_at FROM revocation WHERE credential_id = $1", intent.credential_id)
    assert due > intent.sent_at + timedelta(seconds=3)


async def test_mint_writes_the_second_seal_and_cannot_read_it(books: Books):
    (intent,) = await books.intend(books.wanted(provider=POSSESSION))
    await books.ledger.swap([books.finished(intent, seal_2=b"for the revoker")])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await books.mint.fetchval("SELECT seal_2 FROM mint")
    assert await books.revoke.fetchval("SELECT seal_2 FROM mint") == b"for the revoker"


async def mistaken(db: Connection) -> None:
    async with locks.sharing(db, [1]):
        await db.execute("INSERT INTO used_token VALUES ('x', 'y', now())")
        raise KeyError("a mistake")


async def test_whatever_goes_wrong_under_the_locks_is_undone_and_lets_go_of_them(books: Books):
    async with books.mint.acquire() as db:
        with pytest.raises(KeyError):
            await mistaken(db)
        assert await db.fetchval("SELECT count(*) FROM used_token") == 0
        async with books.owner.transaction():
            await books.owner.execute("SET LOCAL lock_timeout = '1s'")
            await locks.exclude(books.owner, locks.BLOCKS, 1)


async def test_what_was_done_under_the_locks_is_there_afterwards(books: Books):
    async with books.mint.acquire() as db, locks.sharing(db, []):
        await db.execute("INSERT INTO used_token VALUES ('x', 'y', now())")
    assert await books.owner.fetchval("SELECT count(*) FROM used_token") == 1
