"""Audit is away while requests keep coming: nothing is begun that it could not record, and nothing lives that nobody got."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from counterfoil.client.errors import CounterfoilError
from tests.support.town import Town

CLIENTS, AWAY, LATEST = 6, 8, "SELECT count(*) FROM mint"
# Without those whose answer was handed over in time, and read too late: what a caller on the bus makes of its answer is its own affair.
ALIVE = """SELECT credential_id FROM mint m WHERE state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain') AND sent_at > $1
    AND NOT EXISTS (SELECT FROM reply r WHERE r.credential_id = m.credential_id AND r.delivered IS NOT NULL)"""
# What mint itself looks at before it begins anything, and how many it has begun, in one look.
LOOK = """SELECT count(*) AS begun, clock_timestamp() - least(h.at, h.caught_up_to) <= interval '5 seconds' AS fresh
    FROM mint, heartbeat h WHERE h.role = 'audit' GROUP BY h.at, h.caught_up_to"""


@dataclass
class Load:
    """Callers that ask again as soon as they have an answer, whatever it is."""

    got: set[UUID] = field(default_factory=set)
    codes: list[str] = field(default_factory=list)
    over: bool = False
    """Each finishes what it asks: an answer that nobody reads would be none."""

    async def caller(self, town: Town) -> None:
        token = await town.id_token()
        while not self.over:
            answer = await town.ask(token, scope="read", requested_lifetime=600)
            found: dict[str, Any] = answer.json()
            if answer.status_code == 200:
                self.got.add(UUID(found["credential_id"]))
            self.codes.append(found.get("code", "granted"))
            await asyncio.sleep(0.02)

    async def bus_caller(self, town: Town) -> None:
        """Whom no gateway turns away: what it asks comes to mint."""
        async with town.client(timeout=4) as client:
            while not self.over:
                try:
                    self.got.add((await client.exchange("postgres/demo", scopes=["read"], lifetime=600)).credential_id)
                except CounterfoilError:
                    await asyncio.sleep(0.02)


@asynccontextmanager
async def loaded(town: Town) -> AsyncIterator[Load]:
    load = Load()
    callers = [asyncio.create_task(calls(town)) for calls in (load.caller, load.bus_caller) for _ in range(CLIENTS)]
    try:
        yield load
    finally:
        load.over = True
        await asyncio.gather(*callers)


async def test_audit_is_stopped_under_load_and_comes_back(town: Town):
    async with town.sql() as db:
        since = await db.fetchval("SELECT clock_timestamp()")
        async with loaded(town) as load:
            await enough(load, "granted")
            await town.stop("audit")
            await asyncio.sleep(6)
            begun = await db.fetchval(LATEST)
            load.codes.clear()
            await asyncio.sleep(AWAY)
            while_away, said = await db.fetchval(LATEST), set(load.codes)

            starting = asyncio.create_task(town.start("audit"))
            looks = [await db.fetchrow(LOOK)]
            async with asyncio.timeout(120):
                while looks[-1]["begun"] == begun:
                    await asyncio.sleep(0.02)
                    looks.append(await db.fetchrow(LOOK))
            await starting
            await enough(load, "granted")

        assert while_away == begun
        assert "audit_unavailable" in said
        assert said <= {"audit_unavailable", "late"}  # late: what was asked before, and nobody could answer
        assert looks[-1]["fresh"]  # the first that is begun again is begun when audit has caught up, and not before

        async def only_what_was_got() -> bool:
            return {row["credential_id"] for row in await db.fetch(ALIVE, since)} <= load.got

        async with asyncio.timeout(90):  # the deadline of the last, and half a minute
            while not await only_what_was_got():  # noqa: ASYNC110 - it is not this loop that makes it so
                await asyncio.sleep(0.2)
        assert load.got


async def enough(load: Load, code: str) -> None:
    async with asyncio.timeout(120):
        while load.codes.count(code) < 10:  # noqa: ASYNC110 - it is not this loop that makes it so
            await asyncio.sleep(0.02)
