"""PostgreSQL, on a real one: what is lent works, and what cannot be lent is said so."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from counterfoil.wire.secret import Secret
from services.dev.demo import prepare
from services.providers.catalog.postgres import Config
from services.providers.postgres.groups import named
from services.providers.postgres.rights import rights
from services.providers.seam import Refused, RootRefused, Unavailable, Unknown
from tests.providers.counter import Counter, answers, desk_of, parts, session
from tests.providers.desk import Desk
from tests.support.demo import Demo

CUT_THE_WAITING = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'demo_broker' AND wait_event_type = 'Lock'"
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


async def test_an_answer_that_was_lost_leaves_it_open_and_the_name_ends_it(counter: Counter):
    await counter.lent("read")
    order = counter.desk.order()
    group = named(Config.model_validate(order.config).where(), rights(order.scopes, order.details, ("shop",)))
    other = await asyncpg.connect(counter.demo.server.superuser_dsn, database="demo")
    await other.execute(f"BEGIN; GRANT {group} TO postgres")  # until it ends, nobody joins this group
    minting = asyncio.create_task(counter.desk.provider.mint(order, counter.desk.root))
    while not await counter.superuser.fetchval(CUT_THE_WAITING):  # noqa: ASYNC110
        await asyncio.sleep(0.01)

    with pytest.raises(Unknown) as unknown:
        await minting

    await other.execute("ROLLBACK")
    await other.close()
    assert unknown.value.code == "answer_lost"
    handle = counter.desk.provider.handle(order.credential_id)
    assert handle is not None
    await counter.desk.provider.revoke(handle, counter.desk.config, counter.desk.root, None)
    assert not await counter.desk.is_alive(order.credential_id)


async def test_a_lock_that_is_held_too_long_mints_nothing(counter: Counter):
    await counter.lent("read")
    order = counter.desk.order()
    group = named(Config.model_validate(order.config).where(), rights(order.scopes, order.details, ("shop",)))
    async with counter.superuser.transaction():
        await counter.superuser.execute(f"GRANT {group} TO postgres")
        with pytest.raises(Unavailable) as unavailable:
            await counter.desk.provider.mint(order, counter.desk.root)
        await counter.superuser.execute(f"REVOKE {group} FROM postgres")

    assert unavailable.value.code == "locked"
    assert not await counter.desk.is_alive(order.credential_id)


async def test_after_the_server_cut_every_connection_the_next_mint_works(counter: Counter):
    await asyncio.gather(*(counter.lent("read") for _ in range(10)))
    await counter.superuser.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'demo_broker'")

    async with session(await counter.lent("read")) as lent:
        assert await answers(lent)


async def test_a_brokers_new_password_is_used_at_once(counter: Counter):
    await counter.lent("read")
    new = Secret("another")
    try:
        await prepare(counter.demo.server.superuser_dsn, new)
        assert await counter.desk.provider.mint(counter.desk.order(), {"password": new})
        with pytest.raises(RootRefused) as refused:
            await counter.another().mint()
    finally:
        await prepare(counter.demo.server.superuser_dsn, counter.desk.root["password"])

    assert refused.value.code == "broker_login"


async def test_the_broker_itself_administers_no_lent_role(counter: Counter):
    """PostgreSQL walks through all that a role administers at each of its changes: with thousands alive, that takes long."""
    minted = await counter.lent("read")

    hands = await counter.superuser.fetch("SELECT member::regrole::text FROM pg_auth_members WHERE roleid = $1", minted.handle["oid"])

    assert [name.startswith("cf_hand_") for (name,) in hands] == [True]
