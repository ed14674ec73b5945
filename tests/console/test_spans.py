"""Spans in PostgreSQL: what is kept of them and what never is, a partition a day, and what becomes of them after three."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from counterfoil_server.runtime.store.database import Pool
from counterfoil_server.runtime.telemetry import names
from services.console.spans.latest import Latest
from services.console.spans.receiver import Receiver
from services.console.spans.store import KEPT, Spans, of_request
from tests.console.otlp import rows, span, traces
from tests.support.waiting import until

CANARY = "ghs_canary-in-a-span-4711"
PARTITIONS = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'span'::regclass ORDER BY 1"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def spans(db: Pool, owner: asyncpg.Connection) -> AsyncIterator[Spans]:
    """With its writer at work."""
    for row in await owner.fetch(PARTITIONS):
        await owner.execute(f"DROP TABLE {row['name']}")
    found = Spans(db, now)
    await found.days()
    writer = asyncio.create_task(found.write())
    yield found
    writer.cancel()
    with suppress(asyncio.CancelledError):
        await writer


async def written(owner: asyncpg.Connection, many: int) -> list[asyncpg.Record]:
    async def there() -> bool:
        return bool(await owner.fetchval("SELECT count(*) FROM span") >= many)

    await until(there)
    return list(await owner.fetch("SELECT *, attributes AS text FROM span ORDER BY started"))


async def test_a_span_is_kept_with_our_own_attributes_and_no_other_text(spans: Spans, owner: asyncpg.Connection):
    request_id, at = uuid4(), now().replace(microsecond=250_000)
    one = span(
        at, {names.CONVERSATION: str(request_id), names.QUEUE_SECONDS: 0.25, names.OFFSET: 7, "http.url": CANARY, "exception.message": CANARY},
        parent_span_id=b"12345678", status=Status(code=Status.STATUS_CODE_ERROR, message=CANARY),
        events=[Span.Event(name=CANARY)], trace_state=CANARY, seconds=1.5,
    )  # fmt: skip

    assert spans.take(rows(traces([one]))) == 0
    (row,) = await written(owner, 1)

    assert (row["trace_id"], row["span_id"], row["parent_id"]) == (one.trace_id, one.span_id, b"12345678")
    assert (row["service"], row["name"], row["kind"], row["failed"]) == ("verifier", "process exchange.requested", 5, True)
    assert (row["started"], row["seconds"], row["request_id"]) == (at, 1.5, request_id)
    assert names.QUEUE_SECONDS in row["text"]
    assert CANARY not in str(dict(row))


async def test_what_one_sender_says_wrongly_loses_nobody_elses_span(spans: Spans, owner: asyncpg.Connection):
    """One batch holds spans of many senders: a value that the database does not take would lose all of it."""
    wrong = [
        span(now(), kind=2**31 - 1),
        span(now(), end_time_unix_nano=2**64 - 1),
        span(now(), end_time_unix_nano=0),
        span(now(), name="a\0b", attributes={names.KIND: "a\0b"}),
        span(now(), {names.QUEUE_SECONDS: float("nan")}),
        span(now(), {names.QUEUE_SECONDS: float("inf")}),
        span(now(), {names.OFFSET: -(2**63)}),
        span(now(), {names.CONVERSATION: "no id"}),
        span(now(), parent_span_id=b"much too long for an id"),
        span(now(), name="x" * 100_000),
    ]
    good = [span(now(), name="good") for _ in range(3)]

    spans.take(rows(traces(wrong)))
    spans.take(rows(traces(good)))

    async def all_there() -> bool:
        return bool(await owner.fetchval("SELECT count(*) = 3 FROM span WHERE name = 'good'"))

    await until(all_there)
    assert await owner.fetchval("SELECT max(length(name)) FROM span") <= 200


async def test_many_are_written_in_batches(spans: Spans, owner: asyncpg.Connection):
    spans.take(rows(traces([span(now()) for _ in range(1500)])))

    assert len(await written(owner, 1500)) == 1500
    assert spans.dropped == 0


async def test_a_sender_waits_a_moment_for_room(spans: Spans, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spans._queue, "_maxsize", 600)
    receiver = Receiver(spans, Latest(now), None)

    answer = await receiver.traces(traces([span(now()) for _ in range(3000)]))

    assert answer.body == b""
    assert len(await written(owner, 3000)) == 3000


async def test_while_the_database_is_away_they_wait(spans: Spans, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.console.spans.store.AGAIN", 0.01)
    await owner.execute("REVOKE INSERT ON span FROM counterfoil_console")
    spans.take(rows(traces([span(now())])))

    async def taken_up() -> bool:
        return spans._queue.empty()

    await until(taken_up)
    await asyncio.sleep(0.1)
    await owner.execute("GRANT INSERT ON span TO counterfoil_console")

    await written(owner, 1)
    assert spans.dropped == 0


async def test_all_of_a_trace_is_found_by_its_request(spans: Spans, owner: asyncpg.Connection, db: Pool):
    request_id, trace_id, at = uuid4(), uuid4().bytes, now()
    mine = [span(at + timedelta(milliseconds=n), {names.CONVERSATION: str(request_id)} if n == 3 else {}, trace_id=trace_id) for n in range(5)]
    spans.take(rows(traces([*reversed(mine), span(at), span(at, {names.CONVERSATION: str(uuid4())})])))
    await written(owner, 7)

    assert [row.span_id for row in await of_request(db, request_id)] == [one.span_id for one in mine]
    assert (await of_request(db, request_id))[0].attributes == {}
    assert await of_request(db, uuid4()) == []


async def test_there_is_a_partition_for_each_day_that_is_kept_and_for_tomorrow(spans: Spans, owner: asyncpg.Connection):  # noqa: ARG001 - it made them
    found = [row["name"] for row in await owner.fetch(PARTITIONS)]

    first = (now() - KEPT).date()
    assert found == [f"span_{first + timedelta(days=n):%Y%m%d}" for n in range(5)]


async def test_what_is_too_old_goes_as_a_whole_day(spans: Spans, owner: asyncpg.Connection):
    old = (now() - KEPT).date() - timedelta(days=1)
    await owner.execute("SELECT span_day($1)", old)
    noon = datetime(old.year, old.month, old.day, 12, tzinfo=UTC)
    await owner.execute("INSERT INTO span VALUES ('\\x01', '\\x01', NULL, NULL, '', '', 1, $1, 0, false, '{}')", noon)

    await spans.days()

    assert await owner.fetchval("SELECT count(*) FROM span") == 0
    assert f"span_{old:%Y%m%d}" not in [row["name"] for row in await owner.fetch(PARTITIONS)]


async def test_the_console_makes_and_drops_no_other_table(spans: Spans, db: Pool, owner: asyncpg.Connection):  # noqa: ARG001 - it made them
    for day in (now().date() + timedelta(days=40), now().date() - timedelta(days=40)):
        await db.execute("SELECT span_day($1)", day)
    await db.execute("SELECT span_forget($1)", now().date() + timedelta(days=40))

    assert len(await owner.fetch(PARTITIONS)) == 5
    for statement in ("DROP TABLE span", "DELETE FROM span", "UPDATE span SET name = ''", "TRUNCATE span", "CREATE TABLE other (a int)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute(statement)


async def test_no_other_role_may(owner: asyncpg.Connection):
    able = await owner.fetch(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'counterfoil_%' AND (has_function_privilege(oid, 'span_day(date)', 'EXECUTE') "
        "OR has_function_privilege(oid, 'span_forget(date)', 'EXECUTE') OR has_table_privilege(oid, 'span', 'SELECT, INSERT'))"
    )

    assert [row["rolname"] for row in able] == ["counterfoil_console"]


async def test_two_consoles_make_a_day_at_once(db: Pool, owner: asyncpg.Connection):
    for row in await owner.fetch(PARTITIONS):
        await owner.execute(f"DROP TABLE {row['name']}")

    await asyncio.gather(Spans(db, now).days(), Spans(db, now).days())

    assert len(await owner.fetch(PARTITIONS)) == 5


def test_an_id_of_a_request_is_read_strictly():
    (row,) = rows(traces([span(now(), {names.CONVERSATION: str(UUID(int=5))})]))

    assert row.request_id == UUID(int=5)
