"""What PostgreSQL lends reaches no further than was asked."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from services.providers.seam import Refused
from tests.providers.counter import DENIED, Counter, session

pytestmark = pytest.mark.real


async def test_reading_is_no_writing(counter: Counter):
    async with session(await counter.lent("read")) as lent:
        with pytest.raises(DENIED):
            await lent.execute("INSERT INTO shop.products VALUES (99, 'x', 1)")
        with pytest.raises(DENIED):
            await lent.execute("DELETE FROM shop.orders")


async def test_writing_is_no_reading(counter: Counter):
    async with session(await counter.lent("write")) as lent:
        with pytest.raises(DENIED):
            await lent.fetch("SELECT * FROM shop.orders")


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


async def test_what_the_broker_holds_for_itself_alone_is_not_lent(counter: Counter):
    """Its GRANT is a mere warning then, and gives nothing."""
    await counter.superuser.execute("CREATE TABLE shop.own (id int); REVOKE GRANT OPTION FOR SELECT ON shop.own FROM demo_broker")
    try:
        with pytest.raises(Refused) as refused:
            await counter.lent("read", details=({"type": "postgres", "tables": ["shop.own"]},))
    finally:
        await counter.superuser.execute("DROP TABLE shop.own")

    assert refused.value.code == "not_offered"


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
    group = await counter.group(minted)

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
    group = await counter.group(minted)
    fresh = counter.another()

    for right in ("UPDATE ON shop.products", "SELECT ON payroll.salaries", "SELECT (id) ON shop.customers", "CREATE ON SCHEMA shop"):
        await counter.superuser.execute(f"GRANT {right} TO {group}")
        with pytest.raises(Refused) as refused:
            await fresh.mint(scopes=frozenset(), details=details)
        assert refused.value.code == "group_beyond_asked", right
        await counter.superuser.execute(f"REVOKE {right} FROM {group}")
    await fresh.mint(scopes=frozenset(), details=details)
    await fresh.provider.close()
