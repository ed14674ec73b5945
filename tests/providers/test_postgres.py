"""PostgreSQL, on a real one: what is lent works, and what cannot be lent is said so."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from services.providers.seam import Refused
from tests.providers.counter import Counter, answers, desk_of, parts, session
from tests.providers.desk import Desk
from tests.support.demo import Demo

pytestmark = pytest.mark.real


def desk(request: pytest.FixtureRequest) -> Desk:
    """For the conformance suite."""
    demo: Demo = request.getfixturevalue("demo")
    return desk_of(demo)


async def test_the_dsn_logs_in_and_reads(counter: Counter):
    minted = await counter.lent("read")

    async with session(minted) as lent:
        assert await lent.fetchval("SELECT current_user") == minted.handle["role"] == parts(minted)["username"]
        assert await lent.fetchval("SELECT count(*) FROM shop.customers") == 3


async def test_the_parts_are_those_of_the_dsn(counter: Counter):
    minted = await counter.lent("read")
    held = parts(minted)

    assert set(held) == {"username", "password", "host", "port", "database"}
    connection = await asyncpg.connect(
        user=held["username"], password=held["password"], host=held["host"], port=int(held["port"]), database=held["database"]
    )
    await connection.close()


@pytest.mark.parametrize("iterations", [1, 4096])
async def test_a_wrong_password_is_refused(counter: Counter, iterations: int):
    minted = await counter.desk.mint(config={**counter.desk.config, "scram_iterations": iterations})

    async with session(minted) as lent:
        assert await answers(lent)
    with pytest.raises(asyncpg.InvalidPasswordError):
        async with session(minted, password="x"):
            pass


async def test_writing_changes_rows_and_draws_numbers(counter: Counter):
    minted = await counter.lent("read", "write")

    async with session(minted) as lent:
        made = await lent.fetchval("INSERT INTO shop.orders (customer, product, quantity) VALUES (1, 1, 7) RETURNING id")
        assert await lent.execute("DELETE FROM shop.orders WHERE id = $1", made) == "DELETE 1"


async def test_a_table_that_is_made_later_is_read_too_once_its_group_is_looked_at_again(counter: Counter):
    await counter.superuser.execute("CREATE TABLE shop.later (id int)")
    try:
        async with session(await counter.lent("read")) as lent:
            assert await lent.fetch("SELECT * FROM shop.later") == []
    finally:
        await counter.superuser.execute("DROP TABLE shop.later")


async def test_a_request_after_its_window_is_refused_by_the_server(counter: Counter):
    order = counter.desk.order(window_closes_at=datetime.now(UTC) - timedelta(milliseconds=1))

    with pytest.raises(Refused) as refused:
        await counter.desk.provider.mint(order, counter.desk.root)

    assert refused.value.code == "window_closed"
    assert not await counter.desk.is_alive(order.credential_id)


async def test_a_broker_that_is_superuser_is_refused(counter: Counter):
    await counter.superuser.execute("ALTER ROLE demo_broker SUPERUSER")
    fresh = counter.another()
    try:
        with pytest.raises(Refused) as refused:
            await fresh.mint()
    finally:
        await counter.superuser.execute("ALTER ROLE demo_broker NOSUPERUSER")
        await fresh.provider.close()

    assert refused.value.code == "broker_is_superuser"


async def test_the_server_never_sees_the_password(counter: Counter):
    log = counter.demo.server.child.log
    start = log.stat().st_size
    await counter.superuser.execute("ALTER ROLE demo_broker SET log_statement = 'all'")
    fresh = counter.another()
    try:
        minted = await fresh.mint()
    finally:
        await counter.superuser.execute("ALTER ROLE demo_broker RESET log_statement")
        await fresh.provider.close()

    written = log.read_bytes()[start:].decode()
    assert f"CREATE ROLE {minted.handle['role']} LOGIN PASSWORD 'SCRAM-SHA-256$1:" in written  # the log shows what it is asked to show
    assert parts(minted)["password"] not in written
