"""PostgreSQL, on a real one: what is lent works, reaches no further than was asked, and really dies."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.providers import shelf
from services.providers.seam import Details, Minted, Refused, Unavailable
from tests.providers.desk import Desk
from tests.support.demo import Demo

pytestmark = pytest.mark.real
DENIED = asyncpg.InsufficientPrivilegeError
SHUT_OUT = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError)


def desk(request: pytest.FixtureRequest) -> Desk:
    """For the conformance suite too."""
    demo: Demo = request.getfixturevalue("demo")
    config = {**demo.config, "scram_iterations": 1}
    return Desk(shelf.provider("postgres"), config, demo.root, frozenset({"read"}), away={**config, "port": 1})


@dataclass
class Counter:
    """The desk, and the superuser's look behind it."""

    desk: Desk
    superuser: asyncpg.Connection
    """In the database `demo`."""
    demo: Demo

    async def lent(self, *scopes: str, details: Details = (), **changes: Any) -> Minted:
        return await self.desk.mint(scopes=frozenset(scopes), details=details, **changes)

    async def sessions(self, minted: Minted) -> int:
        return int(await self.superuser.fetchval("SELECT count(*) FROM pg_stat_activity WHERE usesysid = $1", minted.handle["oid"]))

    async def roles(self, minted: Minted) -> int:
        return int(await self.superuser.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", minted.handle["role"]))


@pytest.fixture
async def counter(demo: Demo) -> AsyncIterator[Counter]:
    config = {**demo.config, "scram_iterations": 1}
    made = Desk(shelf.provider("postgres"), config, demo.root, frozenset({"read"}), away={**config, "port": 1})
    superuser = await asyncpg.connect(demo.server.superuser_dsn, database="demo")
    yield Counter(made, superuser, demo)
    for handle in (await made.provider.alive(config, demo.root)).values():
        await made.provider.revoke(handle, config, demo.root, None)
    await made.provider.close()
    await superuser.close()


def parts(minted: Minted) -> dict[str, Any]:
    held: dict[str, Any] = json.loads(minted.secret.reveal())["credential"]
    return held


@asynccontextmanager
async def session(minted: Minted, **changes: Any) -> AsyncIterator[asyncpg.Connection]:
    """As whoever borrowed it: by the DSN alone."""
    connection = await asyncpg.connect(json.loads(minted.secret.reveal())["access_token"], timeout=5, **changes)
    try:
        yield connection
    finally:
        connection.terminate()


async def answers(connection: asyncpg.Connection) -> bool:
    try:
        return bool(await connection.fetchval("SELECT 1", timeout=5) == 1)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False


# --- what is lent works


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


# --- and reaches no further


async def test_reading_is_no_writing(counter: Counter):
    async with session(await counter.lent("read")) as lent:
        with pytest.raises(DENIED):
            await lent.execute("INSERT INTO shop.products VALUES (99, 'x', 1)")
        with pytest.raises(DENIED):
            await lent.execute("DELETE FROM shop.orders")


async def test_a_credential_for_one_table_reads_no_other(counter: Counter):
    minted = await counter.lent(details=({"type": "postgres", "tables": ["shop.products"], "actions": ["read"]},))

    async with session(minted) as lent:
        assert await lent.fetchval("SELECT count(*) FROM shop.products") == 3
        with pytest.raises(DENIED):
            await lent.fetch("SELECT * FROM shop.customers")
        with pytest.raises(DENIED):
            await lent.execute("UPDATE shop.products SET cents = 1")


async def test_what_the_broker_may_not_pass_on_is_not_lent(counter: Counter):
    config = {**counter.desk.config, "schemas": ["shop", "payroll"]}

    for details in (({"type": "postgres", "tables": ["payroll.salaries"]},), ({"type": "postgres", "schemas": ["payroll"]},)):
        order = counter.desk.order(config=config, details=details)
        with pytest.raises(Refused) as refused:
            await counter.desk.provider.mint(order, counter.desk.root)
        assert refused.value.code in {"not_offered", "broker_not_allowed"}
        assert not await counter.desk.is_alive(order.credential_id)


@pytest.mark.parametrize("place", [{"tables": ["shop.no_such"]}, {"schemas": ["no_such"]}])
async def test_what_does_not_exist_is_refused(counter: Counter, place: dict[str, list[str]]):
    config = {**counter.desk.config, "schemas": ["shop", "no_such"]}

    with pytest.raises(Refused) as refused:
        await counter.desk.mint(config=config, details=({"type": "postgres", **place},))

    assert refused.value.code == "unknown_table"


async def test_a_name_with_quotes_stays_a_name(counter: Counter):
    odd = 'o"dd; DROP TABLE x --'
    quoted = 'shop."o""dd; DROP TABLE x --"'
    await counter.superuser.execute(f"CREATE TABLE {quoted} (id int)")
    try:
        minted = await counter.lent("read", details=({"type": "postgres", "tables": [f"shop.{odd}"]},))
        async with session(minted) as lent:
            assert await lent.fetch(f"TABLE {quoted}") == []
    finally:
        await counter.superuser.execute(f"DROP TABLE {quoted}")


@pytest.mark.parametrize("database", ["postgres", "template1"])
async def test_no_other_database_lets_it_in(counter: Counter, database: str):
    with pytest.raises(DENIED):
        async with session(await counter.lent("read"), database=database):
            pass


async def test_it_can_neither_become_its_group_nor_make_anything(counter: Counter):
    minted = await counter.lent("read", "write")
    group = await counter.superuser.fetchval("SELECT roleid::regrole::text FROM pg_auth_members WHERE member = $1", minted.handle["oid"])

    async with session(minted) as lent:
        for statement in (f"SET ROLE {group}", "CREATE TABLE shop.mine (id int)", "CREATE TEMP TABLE mine (id int)", "CREATE ROLE mine",
                          "SELECT lo_create(0)", "SELECT * FROM pg_authid"):  # fmt: skip
            with pytest.raises(DENIED):
                await lent.execute(statement)


async def test_it_opens_as_many_sessions_as_the_connector_says(counter: Counter):
    minted = await counter.desk.mint(config={**counter.desk.config, "connection_limit": 1})

    async with session(minted):
        with pytest.raises(asyncpg.TooManyConnectionsError):
            async with session(minted):
                pass


async def test_after_its_time_nobody_logs_in_any_more(counter: Counter):
    minted = await counter.lent("read", expires_at=datetime.now(UTC) - timedelta(seconds=1))

    with pytest.raises(asyncpg.InvalidPasswordError):
        async with session(minted):
            pass


async def test_a_group_with_a_right_too_many_lends_nothing(counter: Counter):
    details = ({"type": "postgres", "tables": ["shop.products"], "actions": ["read"]},)
    minted = await counter.lent(details=details)
    group = await counter.superuser.fetchval("SELECT roleid::regrole::text FROM pg_auth_members WHERE member = $1", minted.handle["oid"])
    fresh = replace(counter.desk, provider=shelf.provider("postgres"))

    for right in ("UPDATE ON shop.products", "SELECT ON payroll.salaries", "SELECT (id) ON shop.customers", "CREATE ON SCHEMA shop"):
        await counter.superuser.execute(f"GRANT {right} TO {group}")
        with pytest.raises(Refused) as refused:
            await fresh.mint(scopes=frozenset(), details=details)
        assert refused.value.code == "group_beyond_asked", right
        await counter.superuser.execute(f"REVOKE {right} FROM {group}")
    await fresh.mint(scopes=frozenset(), details=details)
    await fresh.provider.close()


# --- the server, the broker


async def test_a_request_after_its_window_is_refused_by_the_server(counter: Counter):
    order = counter.desk.order(window_closes_at=datetime.now(UTC) - timedelta(milliseconds=1))

    with pytest.raises(Refused) as refused:
        await counter.desk.provider.mint(order, counter.desk.root)

    assert refused.value.code == "window_closed"
    assert not await counter.desk.is_alive(order.credential_id)


async def test_a_broker_that_is_superuser_is_refused(counter: Counter):
    await counter.superuser.execute("ALTER ROLE demo_broker SUPERUSER")
    fresh = replace(counter.desk, provider=shelf.provider("postgres"))
    try:
        with pytest.raises(Refused) as refused:
            await fresh.mint()
    finally:
        await counter.superuser.execute("ALTER ROLE demo_broker NOSUPERUSER")
        await fresh.provider.close()

    assert refused.value.code == "broker_is_superuser"


async def test_fifty_at_once_with_the_same_new_narrowing_all_get_theirs(counter: Counter):
    """From two processes, as it were: only the server stands between their groups."""
    other = replace(counter.desk, provider=shelf.provider("postgres"))
    details = ({"type": "postgres", "tables": ["shop.customers", "shop.orders"], "actions": ["read", "write"]},)

    minted = await asyncio.gather(*(one.mint(scopes=frozenset(), details=details) for one in (counter.desk, other) * 25))

    groups = "SELECT count(DISTINCT roleid) FROM pg_auth_members WHERE member = ANY($1::oid[])"
    assert await counter.superuser.fetchval(groups, [one.handle["oid"] for one in minted]) == 1
    await other.provider.close()


async def test_many_new_narrowings_of_one_table_at_once_all_get_theirs(counter: Counter):
    """Two GRANTs on one table at once would fail: tuple concurrently updated."""
    others = [replace(counter.desk, provider=shelf.provider("postgres")) for _ in range(4)]
    tables = ["shop.orders", "shop.customers", "shop.products"]
    wishes = [
        ({"type": "postgres", "tables": tables[:n], "actions": actions},) for n in (1, 2, 3) for actions in (["read"], ["write"], ["read", "write"])
    ]

    minted = await asyncio.gather(*(one.mint(scopes=frozenset(), details=wish) for one in others for wish in wishes))

    assert len({one.handle["oid"] for one in minted}) == len(others) * len(wishes)
    for one in others:
        await one.provider.close()


async def test_a_locked_advisory_lock_stops_no_mint(counter: Counter):
    """Any lent role can take one: so none is waited for."""
    async with session(await counter.lent("read")) as lent:
        await lent.execute("SELECT pg_advisory_lock(k) FROM generate_series(-50, 50) k")

        await counter.lent(details=({"type": "postgres", "tables": ["shop.orders"], "actions": ["write"]},))


async def test_the_server_never_sees_the_password(counter: Counter):
    log = counter.demo.server.child.log
    start = log.stat().st_size
    await counter.superuser.execute("ALTER ROLE demo_broker SET log_statement = 'all'")
    fresh = replace(counter.desk, provider=shelf.provider("postgres"))
    try:
        minted = await fresh.mint()
    finally:
        await counter.superuser.execute("ALTER ROLE demo_broker RESET log_statement")
        await fresh.provider.close()

    written = log.read_bytes()[start:].decode()
    assert f"CREATE ROLE {minted.handle['role']} LOGIN PASSWORD 'SCRAM-SHA-256$1:" in written  # the log shows what it is asked to show
    assert parts(minted)["password"] not in written


# --- and really dies


async def test_a_revoked_credential_ends_its_session_and_lets_nobody_in(counter: Counter):
    minted = await counter.lent("read")

    async with session(minted) as lent:
        assert await answers(lent)
        await counter.desk.revoke(minted)
        assert not await answers(lent)
    assert (await counter.roles(minted), await counter.sessions(minted)) == (0, 0)
    with pytest.raises(SHUT_OUT):
        async with session(minted):
            pass


async def test_a_session_in_the_middle_of_a_transaction_is_ended_and_its_work_undone(counter: Counter):
    minted = await counter.lent("read", "write")

    async with session(minted) as lent:
        await lent.execute("BEGIN; INSERT INTO shop.products VALUES (77, 'never', 1); LOCK TABLE shop.customers IN ROW EXCLUSIVE MODE")
        await counter.desk.revoke(minted)
        assert not await answers(lent)
    assert await counter.superuser.fetchval("SELECT count(*) FROM shop.products WHERE id = 77") == 0
    assert await counter.sessions(minted) == 0


async def test_a_session_in_the_middle_of_a_long_query_is_ended(counter: Counter):
    minted = await counter.lent("read")

    async with session(minted) as lent:
        asleep = asyncio.create_task(lent.execute("SELECT pg_sleep(60)"))
        while not await counter.superuser.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await counter.desk.revoke(minted)
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await asleep
    assert await counter.sessions(minted) == 0


async def test_a_session_that_became_its_group_is_ended(counter: Counter):
    """After the role is dropped such a session has all of the group's rights: it must be gone before."""
    minted = await counter.lent("read")
    group = await counter.superuser.fetchval("SELECT roleid::regrole::text FROM pg_auth_members WHERE member = $1", minted.handle["oid"])
    await counter.superuser.execute(f"GRANT {group} TO {minted.handle['role']} WITH SET TRUE")

    async with session(minted) as lent:
        await lent.execute(f"SET ROLE {group}")
        assert await lent.fetchval("SELECT count(*) FROM shop.customers") == 3
        await counter.desk.revoke(minted)
        assert not await answers(lent)
    assert (await counter.roles(minted), await counter.sessions(minted)) == (0, 0)


async def test_a_session_that_holds_its_own_roles_row_delays_nothing(counter: Counter):
    """ALTER ROLE of oneself, not committed, would keep NOLOGIN waiting for as long as it likes."""
    minted = await counter.lent("read")

    async with session(minted) as lent:
        await lent.execute(f"BEGIN; ALTER ROLE {minted.handle['role']} PASSWORD 'x'")
        await counter.desk.revoke(minted)
        assert not await answers(lent)
    assert (await counter.roles(minted), await counter.sessions(minted)) == (0, 0)


async def test_a_session_whose_role_is_gone_already_is_ended_by_its_number(counter: Counter):
    """As after a crash between the drop and the look whether it worked."""
    minted = await counter.lent("read")

    async with session(minted) as lent:
        await counter.superuser.execute(f"DROP ROLE {minted.handle['role']}")
        assert await answers(lent)
        await counter.desk.revoke(minted)
        assert not await answers(lent)


async def test_a_role_that_owns_things_is_dropped_and_the_broker_owns_them(counter: Counter):
    await counter.superuser.execute("CREATE SCHEMA open; GRANT USAGE, CREATE ON SCHEMA open TO PUBLIC")
    minted = await counter.lent("read")
    try:
        async with session(minted) as lent:
            await lent.execute("CREATE TABLE open.made AS SELECT 42 AS answer")
        await counter.desk.revoke(minted)

        assert await counter.roles(minted) == 0
        assert await counter.superuser.fetchval("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'made'") == "demo_broker"
        assert await counter.superuser.fetchval("SELECT answer FROM open.made") == 42
    finally:
        await counter.superuser.execute("DROP SCHEMA open CASCADE")


async def test_a_role_that_owns_things_in_another_database_is_dropped_too(counter: Counter):
    await counter.superuser.execute("CREATE DATABASE elsewhere")
    elsewhere = await asyncpg.connect(counter.demo.server.superuser_dsn, database="elsewhere")
    minted = await counter.lent("read")
    try:
        await elsewhere.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
        async with session(minted, database="elsewhere") as lent:
            await lent.execute("CREATE TABLE public.made (id int)")
        await counter.desk.revoke(minted)
        assert await counter.roles(minted) == 0
    finally:
        await elsewhere.close()
        await counter.superuser.execute("DROP DATABASE elsewhere WITH (FORCE)")


async def test_a_handle_that_names_another_role_drops_nothing(counter: Counter):
    with pytest.raises(Refused) as refused:
        await counter.desk.provider.revoke({"role": "demo_broker"}, counter.desk.config, counter.desk.root, None)

    assert refused.value.code == "not_ours"


async def test_only_the_brokers_own_roles_are_listed(counter: Counter):
    await counter.superuser.execute(f"CREATE ROLE cf_{'0' * 32}")
    try:
        order = counter.desk.order()
        minted = await counter.desk.provider.mint(order, counter.desk.root)
        assert await counter.desk.provider.alive(counter.desk.config, counter.desk.root) == {order.credential_id: minted.handle}
    finally:
        await counter.superuser.execute(f"DROP ROLE cf_{'0' * 32}")


async def test_the_sweep_drops_groups_without_members_and_no_other(counter: Counter):
    products = ({"type": "postgres", "tables": ["shop.products"], "actions": ["read"]},)
    orders = ({"type": "postgres", "tables": ["shop.orders"], "actions": ["read"]},)
    kept, gone = await counter.lent(details=products), await counter.lent(details=orders)
    await counter.desk.revoke(gone)

    assert await counter.desk.provider.sweep(counter.desk.config, counter.desk.root) >= 1

    assert await counter.superuser.fetchval("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'cf\\_group\\_%'") == 1
    async with session(kept) as lent:
        assert await lent.fetchval("SELECT count(*) FROM shop.products") == 3
    async with session(await counter.lent(details=orders)) as lent:  # the group that was known, and is gone, is made again
        assert await lent.fetchval("SELECT count(*) FROM shop.orders") >= 9


async def test_a_group_that_someone_else_gave_rights_to_does_not_stop_the_sweep(counter: Counter):
    stuck = await counter.lent(details=({"type": "postgres", "tables": ["shop.products"], "actions": ["write"]},))
    group = await counter.superuser.fetchval("SELECT roleid::regrole::text FROM pg_auth_members WHERE member = $1", stuck.handle["oid"])
    await counter.superuser.execute(f"GRANT CREATE ON SCHEMA shop TO {group}")
    await counter.desk.revoke(await counter.lent("write"))
    await counter.desk.revoke(stuck)

    assert await counter.desk.provider.sweep(counter.desk.config, counter.desk.root) >= 1

    assert await counter.superuser.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE 'cf\\_group\\_%'") == [(group,)]
    await counter.superuser.execute(f"REVOKE CREATE ON SCHEMA shop FROM {group}")
    assert await counter.desk.provider.sweep(counter.desk.config, counter.desk.root) == 1


async def test_sweeping_and_minting_at_once_leave_every_credential_with_its_rights(counter: Counter):
    details = ({"type": "postgres", "tables": ["shop.products"], "actions": ["read"]},)

    async def borrow() -> None:
        minted = await counter.lent(details=details)
        async with session(minted) as lent:
            assert await lent.fetchval("SELECT count(*) FROM shop.products") == 3
        await counter.desk.revoke(minted)

    async def sweep() -> None:
        await counter.desk.provider.sweep(counter.desk.config, counter.desk.root)

    outcomes = await asyncio.gather(*(act() for act in (borrow, sweep) * 15), return_exceptions=True)

    assert [one for one in outcomes if one is not None and not isinstance(one, Unavailable)] == []
    assert outcomes.count(None) >= 15
