"""What PostgreSQL lent really dies, whatever its session is doing."""

import asyncio

import asyncpg
import pytest

from services.providers.seam import Refused
from tests.providers.counter import Counter, answers, session

pytestmark = pytest.mark.real


SHUT_OUT = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidPasswordError)


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
    group = await counter.group(minted)
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
    """Another broker on the same server has another ledger, which would call ours orphans, and we its."""
    stranger = f"cf_{'0' * 32}"
    await counter.superuser.execute(f"""CREATE ROLE other_hand CREATEROLE; CREATE ROLE other_broker; GRANT other_hand TO other_broker;
        SET ROLE other_hand; CREATE ROLE {stranger}; RESET ROLE""")
    try:
        order = counter.desk.order()
        minted = await counter.desk.provider.mint(order, counter.desk.root)
        assert await counter.desk.provider.alive(counter.desk.config, counter.desk.root) == {order.credential_id: minted.handle}
    finally:
        await counter.superuser.execute(f"DROP ROLE {stranger}, other_hand, other_broker")


async def test_many_at_once_all_die_and_one_that_resists_holds_up_no_other(counter: Counter):
    """They are killed together, by the hand that made them: here one owns something, and one holds its own row."""
    await counter.superuser.execute("CREATE SCHEMA open; GRANT USAGE, CREATE ON SCHEMA open TO PUBLIC")
    try:
        minted = await asyncio.gather(*(counter.lent("read") for _ in range(40)))
        async with session(minted[0]) as owner, session(minted[1]) as holder, session(minted[2]) as reader:
            await owner.execute("CREATE TABLE open.made (id int)")
            await holder.execute(f"BEGIN; ALTER ROLE {minted[1].handle['role']} PASSWORD 'x'")

            await asyncio.gather(*(counter.desk.revoke(one) for one in minted))

            assert [await answers(one) for one in (owner, holder, reader)] == [False] * 3
        assert [await counter.roles(one) + await counter.sessions(one) for one in minted] == [0] * 40
    finally:
        await counter.superuser.execute("DROP SCHEMA open CASCADE")


async def test_one_that_cannot_be_killed_is_said_so_and_the_others_die(counter: Counter):
    """It owns something in a database where the broker is not let in, so it cannot be handed over."""
    minted = await asyncio.gather(*(counter.lent("read") for _ in range(20)))
    await counter.superuser.execute("CREATE DATABASE closed")
    await counter.superuser.execute("REVOKE CONNECT ON DATABASE closed FROM PUBLIC")
    closed = await asyncpg.connect(counter.demo.server.superuser_dsn, database="closed")
    await closed.execute(f"CREATE TABLE stuck (id int); ALTER TABLE stuck OWNER TO {minted[7].handle['role']}")
    await closed.close()
    try:
        async with session(minted[7]) as lent:
            outcomes = await asyncio.gather(*(counter.desk.revoke(one) for one in minted), return_exceptions=True)
            assert not await answers(lent)

        assert [type(one) for one in outcomes if isinstance(one, BaseException)] == [Refused]
        assert [await counter.roles(one) for one in minted] == [0] * 7 + [1] + [0] * 12
        with pytest.raises(SHUT_OUT):  # shut all the same
            async with session(minted[7]):
                pass
    finally:
        await counter.superuser.execute("DROP DATABASE closed WITH (FORCE)")
    await counter.desk.revoke(minted[7])
    assert await counter.roles(minted[7]) == 0
