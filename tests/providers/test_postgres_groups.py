"""One group for each narrowing: made once whoever asks at once, and swept when nobody needs it."""

import asyncio

import asyncpg
import pytest

from services.providers.postgres import hands
from services.providers.postgres.pools import Where
from services.providers.seam import Minted, Unavailable
from tests.providers.counter import Counter, session

ONE_WAITS = "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = 'demo_broker' AND wait_event_type = 'Lock'"
pytestmark = pytest.mark.real


async def test_fifty_at_once_with_the_same_new_narrowing_all_get_theirs(counter: Counter):
    """From two processes, as it were: only the server stands between their groups."""
    other = counter.another()
    details = ({"type": "postgres", "tables": ["shop.customers", "shop.orders"], "actions": ["read", "write"]},)

    minted = await asyncio.gather(*(one.mint(scopes=frozenset(), details=details) for one in (counter.desk, other) * 25))

    groups = "SELECT count(DISTINCT roleid) FROM pg_auth_members WHERE member = ANY($1::oid[])"
    assert await counter.superuser.fetchval(groups, [one.handle["oid"] for one in minted]) == 1
    await other.provider.close()


async def test_many_new_narrowings_of_one_table_at_once_all_get_theirs(counter: Counter):
    """Two GRANTs on one table at once would fail: tuple concurrently updated."""
    others = [counter.another() for _ in range(4)]
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
    await counter.desk.provider.sweep(counter.desk.config, counter.desk.root)
    async with session(await counter.lent("read")) as lent:
        await lent.execute("SELECT pg_advisory_lock(k) FROM generate_series(-50, 50) k")

        await counter.lent(details=({"type": "postgres", "tables": ["shop.orders"], "actions": ["write"]},))


async def like(counter: Counter, group: str) -> list[str]:
    """The groups of its place: a broker of another test has its own."""
    place = group.rpartition("_")[0]
    return [row["rolname"] for row in await counter.superuser.fetch("SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1)", f"{place}_")]


async def test_the_sweep_drops_groups_without_members_and_no_other(counter: Counter):
    products = ({"type": "postgres", "tables": ["shop.products"], "actions": ["read"]},)
    orders = ({"type": "postgres", "tables": ["shop.orders"], "actions": ["read"]},)
    kept, gone = await counter.lent(details=products), await counter.lent(details=orders)
    await counter.desk.revoke(gone)

    assert await counter.desk.provider.sweep(counter.desk.config, counter.desk.root) >= 1

    assert await like(counter, group := await counter.group(kept)) == [group]
    async with session(kept) as lent:
        assert await lent.fetchval("SELECT count(*) FROM shop.products") == 3
    async with session(await counter.lent(details=orders)) as lent:  # the group that was known, and is gone, is made again
        assert await lent.fetchval("SELECT count(*) FROM shop.orders") >= 9


async def test_a_group_that_someone_joins_while_it_is_swept_stays(counter: Counter):
    minted = await counter.lent(details=({"type": "postgres", "tables": ["shop.customers"], "actions": ["read"]},))
    group = await counter.group(minted)
    await counter.desk.revoke(minted)
    joining = await asyncpg.connect(counter.demo.server.superuser_dsn, database="demo")
    await joining.execute(f"CREATE ROLE joins; BEGIN; GRANT {group} TO joins")
    sweeping = asyncio.create_task(counter.desk.provider.sweep(counter.desk.config, counter.desk.root))
    while not await counter.superuser.fetchval(ONE_WAITS):  # noqa: ASYNC110
        await asyncio.sleep(0.01)

    await joining.execute("COMMIT")
    await sweeping

    assert await counter.superuser.fetchval("SELECT pg_has_role('joins', $1, 'MEMBER')", group)
    await joining.execute("DROP ROLE joins")
    await joining.close()


async def test_a_mint_whose_group_is_dropped_while_it_joins_makes_the_group_again(counter: Counter):
    details = ({"type": "postgres", "tables": ["shop.customers"], "actions": ["read"]},)
    minted = await counter.lent(details=details)
    group = await counter.group(minted)
    await counter.desk.revoke(minted)
    dropping = await asyncpg.connect(counter.demo.server.superuser_dsn, database="demo")
    await dropping.execute(f"BEGIN; GRANT {group} TO demo_broker; SET LOCAL ROLE demo_broker; DROP OWNED BY {group}; DROP ROLE {group}")
    minting = asyncio.create_task(counter.lent(details=details))
    while not await counter.superuser.fetchval(ONE_WAITS):  # noqa: ASYNC110
        await asyncio.sleep(0.01)

    await dropping.execute("COMMIT")

    async with session(await minting) as lent:
        assert await lent.fetchval("SELECT count(*) FROM shop.customers") == 3
    await dropping.close()


async def test_a_group_that_is_swept_while_it_is_looked_at_is_asked_for_again(counter: Counter, monkeypatch: pytest.MonkeyPatch):
    """Surely nothing happened: no "no" of the server, that would be the end of it."""
    details = ({"type": "postgres", "tables": ["shop.customers"], "actions": ["read"]},)
    minted = await counter.lent(details=details)
    await counter.desk.revoke(minted)
    sweeper, serves = counter.another(), hands.serve

    async def serve_and_sweep(connection: asyncpg.Connection, where: Where, asked: str) -> bool:
        served = await serves(connection, where, asked)
        await sweeper.provider.sweep(sweeper.config, sweeper.root)
        return served

    monkeypatch.setattr(hands, "serve", serve_and_sweep)
    with pytest.raises(Unavailable) as unavailable:
        await counter.another().mint(scopes=frozenset(), details=details)

    await sweeper.provider.close()
    assert unavailable.value.code == "conflict"


async def test_a_group_that_someone_else_gave_rights_to_does_not_stop_the_sweep(counter: Counter):
    stuck = await counter.lent(details=({"type": "postgres", "tables": ["shop.products"], "actions": ["write"]},))
    group = await counter.group(stuck)
    await counter.superuser.execute(f"GRANT CREATE ON SCHEMA shop TO {group}")
    await counter.desk.revoke(await counter.lent("write"))
    await counter.desk.revoke(stuck)

    assert await counter.desk.provider.sweep(counter.desk.config, counter.desk.root) >= 1

    assert await like(counter, group) == [group]
    await counter.superuser.execute(f"REVOKE CREATE ON SCHEMA shop FROM {group}")
    assert await counter.desk.provider.sweep(counter.desk.config, counter.desk.root) == 1


async def test_sweeping_and_minting_at_once_leave_every_credential_with_its_rights(counter: Counter):
    details = ({"type": "postgres", "tables": ["shop.products"], "actions": ["read"]},)

    async def borrow() -> None:
        minted = await ask()
        async with session(minted) as lent:
            assert await lent.fetchval("SELECT count(*) FROM shop.products") == 3
        await counter.desk.revoke(minted)

    async def ask() -> Minted:
        while True:
            try:
                return await counter.lent(details=details)
            except Unavailable:  # swept twice meanwhile: surely nothing happened, so it may be asked again
                continue

    async def sweep() -> None:
        await counter.desk.provider.sweep(counter.desk.config, counter.desk.root)

    await asyncio.gather(*(act() for act in (borrow, sweep) * 15))
