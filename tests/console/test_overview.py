"""The first page: numbers of a day, what is alive, what needs attention, and what a new installation lacks."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from counterfoil_server.runtime.store.database import Pool
from services.console.overview.numbers import HEIGHT, day
from services.console.pages import overview
from tests.console.conftest import NOW, Visit, nothing, visiting

HOUR = datetime(2026, 11, 28, 12, tzinfo=UTC)


def row(outcome: str, count: int, back: int = 0, code: str = "") -> dict[str, object]:
    return {"hour": HOUR - timedelta(hours=back), "connector": "postgres/demo", "outcome": outcome, "code": code, "count": count}


def test_a_day_is_added_up_by_outcome_and_hour():
    found = day(
        [row("granted", 6), row("denied", 2, code="no_link"), row("granted", 4, back=23), row("revoked", 3), row("granted", 99, back=24)], NOW
    )

    assert (found.exchanges, found.totals["revoked"]) == (12, 3)
    assert found.granted == pytest.approx(100 * 10 / 12)
    assert [bar.total for bar in found.bars if bar.total] == [4, 8]
    assert found.reasons == [("denied", "no_link", 2)]
    assert found.bars[-1].parts == [("granted", 6, 15.0, 45.0), ("denied", 2, 0.0, 15.0)]
    assert found.bars[-1].parts[0][3] + found.bars[-1].parts[1][3] == HEIGHT


def test_a_day_without_exchanges_is_empty():
    found = day([], NOW)

    assert (found.exchanges, found.granted, len(found.bars)) == (0, None, 24)


@pytest.fixture
async def visit(db: Pool, owner: asyncpg.Connection) -> AsyncIterator[Visit]:
    await owner.execute("""
        TRUNCATE mint, revocation, revocation_order, connector, block, heartbeat, root_secret, registry_entry, console_tally RESTART IDENTITY;
        INSERT INTO heartbeat VALUES ('audit', '2026-11-28 12:00Z', '2026-11-28 12:00Z')
    """)
    async with visiting([overview.pages], db, nothing) as found:
        yield found


async def lend(owner: asyncpg.Connection, state: str = "active") -> None:
    await owner.execute(
        """
        INSERT INTO mint (issuer, sub_hash, request_id, attempt, credential_id, decision_hash, request_hash, wish_hash, state, epoch, class,
            connector, installation, project, environment, deadline, ends_by_itself, sent_at, window_closes_at, expires_at)
        VALUES ('i', 's', $1, 1, $2, 'd', 'r', 'w', $3, 1, 'by_name', 'postgres/demo', 'default', 'web', 'production', $4, false, $4, $4, $4)
        """,
        uuid4(), uuid4(), state, NOW,
    )  # fmt: skip


async def test_a_new_installation_is_told_what_comes_first(visit: Visit, owner: asyncpg.Connection):
    page = await visit.page("/")

    assert page.count(">to do<") == 4
    assert "Nothing is lent." in page
    assert "Nothing. Audit keeps up" in page

    await owner.execute("INSERT INTO connector (name, revision) VALUES ('postgres/demo', 1)")
    assert (await visit.page("/")).count(">to do<") == 3


async def test_the_list_goes_away_when_everything_was_done(visit: Visit, owner: asyncpg.Connection):
    await owner.execute("""
        INSERT INTO connector (name, revision) VALUES ('postgres/demo', 1);
        INSERT INTO registry_entry VALUES ('link', 'l', '{}', 1);
        INSERT INTO revocation_order (id, actor, predicate, cause, at) VALUES (gen_random_uuid(), '{}', '{}', 'c', now())
    """)
    await lend(owner)

    page = await visit.page("/")

    assert "Getting started" not in page
    assert ">by name<" in page


async def test_what_is_stuck_silent_or_stopped_needs_attention(visit: Visit, owner: asyncpg.Connection):
    await lend(owner, "stuck")
    await owner.execute("""
        UPDATE heartbeat SET at = '2026-11-28 11:59:50Z';
        INSERT INTO connector (name, revision, state) VALUES ('postgres/demo', 1, 'fenced');
        INSERT INTO block (id, project, since) VALUES (gen_random_uuid(), 'web', now());
        INSERT INTO root_secret (connector, installation, field, version, sealed, at) VALUES ('github/old', 'default', 'key', 1, 'x', '2026-01-01Z')
    """)

    page = await visit.page("/")

    for words in ("1 stuck", "audit is silent", "postgres/demo is fenced", "1 blocks stand", "github/old: root secret of 331 days"):
        assert words in page
    assert "Nothing. Audit keeps up" not in page


async def test_audit_that_is_behind_is_said_apart_from_audit_that_is_silent(visit: Visit, owner: asyncpg.Connection):
    await owner.execute("UPDATE heartbeat SET caught_up_to = '2026-11-28 11:59:50Z'")

    assert "audit is behind" in await visit.page("/")


async def test_the_numbers_are_a_piece_of_the_page(visit: Visit):
    piece = (await visit.http.get("/", headers={"HX-Request": "true"})).text

    assert "<html" not in piece
    assert "The last 24 hours" in piece


async def test_who_may_read_nothing_is_shown_nothing(visit: Visit):
    assert visit.keeper.who is not None
    visit.keeper.who = type(visit.keeper.who)(**{**{n: getattr(visit.keeper.who, n) for n in visit.keeper.who.__slots__}, "may": frozenset()})

    assert (await visit.http.get("/")).status_code == 403
