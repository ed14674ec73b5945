"""The sweep of orphans, on the real PostgreSQL: a role of ours that the ledger does not know is ended, and nothing else is."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from counterfoil.contracts import revocation_settled
from counterfoil.contracts.registry import Connector
from counterfoil.contracts.revocation_ordered import revocation_id
from counterfoil.wire.envelope import decode
from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.snapshot import Snapshot
from services.providers import shelf
from services.providers.abilities import Lists
from services.providers.orphan_sweep import OrphanSweep
from services.providers.orphans import Orphans
from services.providers.seam import Provider, Revocation, Unavailable
from services.providers.settlements import Settlements
from tests.ledger.conftest import Books
from tests.providers.counter import desk_of, session
from tests.providers.desk import Desk
from tests.support.demo import Demo, demo
from tests.support.roots import given
from tests.support.sql import GONE
from tests.support.waiting import until

__all__ = ["demo"]
pytestmark = pytest.mark.real
BROKER = """DO $$ BEGIN CREATE ROLE sole_broker LOGIN CREATEROLE PASSWORD 'sole'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
    GRANT pg_signal_backend TO sole_broker; GRANT CONNECT ON DATABASE demo TO sole_broker WITH GRANT OPTION;
    GRANT USAGE ON SCHEMA shop TO sole_broker WITH GRANT OPTION; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO sole_broker WITH GRANT OPTION"""
HAND = "SELECT member::regrole::text FROM pg_auth_members WHERE roleid = $1 AND admin_option"
SAID = "SELECT cause, state, settled FROM revocation WHERE credential_id = $1"


@dataclass
class Lender:
    """A broker of its own: what the session's town lends at this server is no business of this ledger's."""

    desk: Desk
    superuser: asyncpg.Connection
    books: Books

    def sweep(self, provider: Provider | None = None, **config: Any) -> OrphanSweep:
        entry = Connector(name="postgres/demo", config={**self.desk.config, "sole": True, **config})
        registry = SimpleNamespace(snapshot=Snapshot.of(1, [entry]))
        shelved = SimpleNamespace(provider=lambda _: provider or self.desk.provider)
        found = Orphans(self.books.revoke, shelved, given(dict(self.desk.root)), registry)  # type: ignore[arg-type]  # as much of each as it needs
        return OrphanSweep(found, Settlements(self.books.revoke), lambda: datetime.now(UTC))

    async def lent(self, *, known: bool) -> tuple[UUID, Any]:
        """Alive at the provider; the ledger knows it, or has lost it."""
        (intent,) = await self.books.intend(self.books.wanted())
        minted = await self.desk.provider.mint(replace(self.desk.order(), credential_id=intent.credential_id), self.desk.root)
        if not known:
            await self.books.owner.execute("DELETE FROM mint WHERE credential_id = $1", intent.credential_id)
        return intent.credential_id, minted

    async def lives(self, name: str) -> bool:
        return bool(await self.superuser.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name))


@pytest.fixture
async def lender(demo: Demo, books: Books) -> AsyncIterator[Lender]:
    superuser = await asyncpg.connect(demo.server.superuser_dsn, database="demo")
    await superuser.execute(BROKER)
    made = replace(desk_of(demo), root={"password": Secret("sole")})
    made = replace(made, config={**made.config, "broker": "sole_broker"})
    yield Lender(made, superuser, books)
    for handle in (await made.provider.alive(made.config, made.root)).values():
        await made.provider.revoke(handle, made.config, made.root, None)
    await made.provider.close()
    await superuser.close()


def long_ago(sweep: OrphanSweep) -> None:
    """What was seen was seen a minute before."""
    for place, seen in sweep._seen.items():
        sweep._seen[place] = {one: at - 60 for one, at in seen.items()}


async def test_what_the_ledger_does_not_know_is_left_alone_for_a_window_and_then_ended_with_its_sessions(lender: Lender):
    lost, minted = await lender.lent(known=False)
    sweep = lender.sweep()
    async with session(minted) as open_session:
        assert await sweep.turn() == 0  # it may be on its way
        assert await lender.lives(minted.handle["role"])

        long_ago(sweep)
        assert await sweep.turn() == 1

        assert not await lender.lives(minted.handle["role"])
        with pytest.raises(GONE):
            await open_session.fetchval("SELECT 1")
    row = await lender.books.owner.fetchrow(SAID, lost)
    fact = decode(revocation_settled.TOPIC, row["settled"], {})
    assert (row["cause"], row["state"], fact.outcome, fact.credential_id, fact.revocation_id) == (
        "orphan", "confirmed", "revoked", lost, revocation_id(lost),
    )  # fmt: skip
    (unsaid,) = await Settlements(lender.books.revoke).unpublished(timedelta())
    assert unsaid["settled"] == row["settled"]
    assert await sweep.turn() == 0


async def test_what_the_ledger_knows_lives_and_so_does_what_has_no_name_of_ours(lender: Lender):
    _, minted = await lender.lent(known=True)
    hand = await lender.superuser.fetchval(HAND, minted.handle["oid"])
    await lender.superuser.execute(f"SET ROLE {hand}; CREATE ROLE cf_report_reader; RESET ROLE")
    try:
        sweep = lender.sweep()
        for _ in range(2):
            assert await sweep.turn() == 0
            long_ago(sweep)

        assert await lender.lives(minted.handle["role"])
        assert await lender.lives("cf_report_reader")
    finally:
        await lender.superuser.execute("DROP ROLE cf_report_reader")


async def test_where_somebody_else_may_lend_too_nothing_is_looked_for(lender: Lender):
    _, minted = await lender.lent(known=False)
    sweep = lender.sweep(sole=False)
    await sweep.turn()

    assert sweep._seen == {}
    assert await lender.lives(minted.handle["role"])


async def test_one_that_was_unknown_for_a_moment_only_begins_anew(lender: Lender):
    lost, minted = await lender.lent(known=False)
    sweep = lender.sweep()
    await sweep.turn()
    long_ago(sweep)
    insert = "INSERT INTO mint SELECT (jsonb_populate_record(m, jsonb_build_object('credential_id', $1::uuid, 'request_id', $2::uuid))).* FROM mint m"
    await lender.lent(known=True)
    await lender.books.owner.execute(insert, lost, uuid4())

    assert await sweep.turn() == 0
    await lender.books.owner.execute("DELETE FROM mint WHERE credential_id = $1", lost)
    assert await sweep.turn() == 0
    assert await lender.lives(minted.handle["role"])


class Failing:
    """Lists one, and does not end it."""

    revocation, window = Revocation.BY_NAME, timedelta()

    def __init__(self, error: Exception) -> None:
        self.error, self.one = error, uuid4()

    def sole(self, config: Any) -> bool:  # noqa: ARG002
        return True

    async def alive(self, config: Any, root: Any) -> dict[UUID, dict[str, Any]]:  # noqa: ARG002
        return {self.one: {}}

    async def revoke(self, *_: Any) -> None:
        raise self.error


@pytest.mark.parametrize("error", [Unavailable("down", "x"), TimeoutError()])
async def test_one_that_cannot_be_ended_now_is_tried_again_and_nothing_is_said(lender: Lender, error: Exception):
    failing: Any = Failing(error)
    sweep = lender.sweep(failing)
    await sweep.turn()
    for _ in range(2):
        long_ago(sweep)
        assert await sweep.turn() == 0
    assert await lender.books.owner.fetchval("SELECT count(*) FROM revocation") == 0


@pytest.mark.parametrize("name", shelf.names())
def test_who_can_list_can_be_told_that_it_lends_alone_and_usually_does_not(name: str):
    provider = shelf.provider(name)
    lists = provider.revocation is Revocation.BY_NAME

    assert isinstance(provider, Lists) is lists
    assert ("sole" in provider.config.model_fields) is lists
    if lists:
        assert provider.config.model_fields["sole"].default is False


async def test_it_goes_on_by_itself(lender: Lender):
    _, minted = await lender.lent(known=False)
    sweep = lender.sweep()

    async def seen() -> bool:
        return bool(sweep._seen.get(("postgres/demo", "default")))

    async def gone() -> bool:
        return not await lender.lives(minted.handle["role"])

    running = asyncio.create_task(sweep.run(every=0.05))
    try:
        await until(seen)
        long_ago(sweep)
        await until(gone)
    finally:
        running.cancel()
