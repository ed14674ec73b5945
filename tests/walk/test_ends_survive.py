"""Ends that somebody waits for come about, whoever else is paused or dead by then."""

import asyncio
import os
import signal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.support.town import Town
from tests.support.waiting import until
from tests.walk.test_fence_and_block import order


async def lent(town: Town, lifetime: int) -> dict[str, Any]:
    answer = await town.ask(scope="read", requested_lifetime=lifetime)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def ended(town: Town, credential_id: str, state: str) -> None:
    """In the ledger, and at the provider."""

    async def so() -> bool:
        async with town.sql() as db:
            found = await db.fetchval("SELECT state FROM mint WHERE credential_id = $1", UUID(credential_id))
            there = await db.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", f"cf_{UUID(credential_id).hex}")
        return found == state and not there

    await until(so)


async def test_a_revocation_needs_nothing_of_mint(town: Town):
    """Its topic, its process, its connections to the provider are its own: mint stands still with its own in hand."""
    one = await lent(town, 300)
    pid = town.child("mint").process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        await order(town, credential_id=one["credential_id"])
        await ended(town, one["credential_id"], "revoked")
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("roles", [("revoker",), ("revoke",), ("revoker", "revoke")])
async def test_what_does_not_end_by_itself_is_dead_after_its_time_though_who_ends_it_was_killed(town: Town, roles: tuple[str, ...]):
    one = await lent(town, 3)
    session = await asyncpg.connect(one["access_token"])
    cut = asyncio.Event()
    session.add_termination_listener(lambda _: cut.set())
    for role in roles:
        os.kill(town.child(role).process.pid, signal.SIGKILL)
        await town.children.forget(town.child(role))
    await asyncio.sleep(3)  # its time is up, and nobody is there
    alive = not cut.is_set()
    for role in roles:
        await town.start(role)

    await ended(town, one["credential_id"], "expired")
    assert cut.is_set()
    assert alive  # somebody had to end it
