"""A ledger and a log that went back: what still holds, what does not, and what the page on restoring has an operator do about it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from counterfoil.client.errors import CounterfoilError
from counterfoil.wire import checkpoint
from counterfoil.wire.consistency import Inconsistent, check_consistency, consistency_path
from counterfoil.wire.merkle import leaf_hash, root
from counterfoil.wire.receipt import BadReceipt, ReceiptChecker
from tests.operate.conftest import server
from tests.operate.going_back import Story, gone_back, lend, orphans, page


@pytest.fixture(scope="module", name="story")
async def told(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    folder = tmp_path_factory.mktemp("going-back")
    async with server(folder / "first") as first, server(folder / "second") as second, gone_back(folder, kafka, first, second) as made:
        yield made


async def logs_in(dsn: str) -> bool:
    try:
        session = await asyncpg.connect(dsn)
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
        return False
    await session.close()
    return True


async def states(story: Story) -> dict[UUID, str]:
    async with story.town.sql() as db:
        return {row["credential_id"]: row["state"] for row in await db.fetch("SELECT credential_id, state FROM mint")}


def facts(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(one["leaf"])["fact"] for one in found["leaves"]]


async def test_it_lends_again(story: Story):
    lent = await lend(story.town)

    assert await logs_in(lent.reveal())


async def test_what_was_lent_before_the_backup_is_ended_by_revoking_it(story: Story):
    assert await logs_in(story.before.reveal())
    async with story.town.client() as client:
        await client.revoke(story.before.credential_id)
    for _ in range(100):
        if (await states(story))[story.before.credential_id] == "revoked":
            break
        await asyncio.sleep(0.1)

    assert not await logs_in(story.before.reveal())


async def test_what_was_lent_after_it_is_unknown_here_alive_there_and_found_and_ended_by_the_list_of_orphans(story: Story):
    lost = story.after.credential_id
    assert lost not in await states(story)
    assert await logs_in(story.after.reveal())

    code, lines = await orphans(story.town)
    assert (code, lines) == (5, [f"postgres/demo default {lost} alive"])
    assert await logs_in(story.after.reveal())

    assert await orphans(story.town, "end") == (0, [f"postgres/demo default {lost} ended"])
    assert not await logs_in(story.after.reveal())
    assert await orphans(story.town) == (0, [])


async def test_a_block_that_was_set_since_is_gone_and_can_be_set_again_before_anything_is_lent(story: Story):
    assert story.standing == 0
    async with story.town.client(token=await story.town.id_token(project="late")) as client:
        with pytest.raises(CounterfoilError) as no:
            await client.exchange("postgres/demo", scopes=["read"])

    assert no.value.code == "revoked"


async def test_receipts_of_before_and_of_what_was_lost_hold_by_themselves(story: Story):
    checker = ReceiptChecker(story.log_keys)
    for lent in (story.before, story.after):
        assert checker.check(str(lent.receipt.leaf).encode(), lent.receipt.proof)["fact"]["credential_id"] == str(lent.credential_id)


async def test_the_log_begins_with_what_the_backup_had_and_cannot_be_shown_to_contain_what_was_lost(story: Story):
    now, then = await page(story.town), checkpoint.parse(story.lost["checkpoint"])
    old, new = ([leaf_hash(one["leaf"].encode()) for one in found["leaves"]] for found in (story.lost, now))
    assert root(old) == then.root
    assert old[: story.kept] == new[: story.kept]
    assert story.before.receipt.index < story.kept <= story.after.receipt.index
    assert len(new) >= then.size

    head = checkpoint.parse(now["checkpoint"])
    check_consistency(story.kept, root(old[: story.kept]), head.size, head.root, consistency_path(story.kept, new))
    with pytest.raises(Inconsistent):
        check_consistency(then.size, then.root, head.size, head.root, consistency_path(then.size, new))


async def test_the_old_log_key_signs_no_second_history(story: Story):
    lent = await lend(story.town)

    with pytest.raises(BadReceipt, match="unknown_key"):
        ReceiptChecker(story.log_keys).check(str(lent.receipt.leaf).encode(), lent.receipt.proof)


async def test_audit_writes_down_again_what_kafka_still_has_and_nothing_twice(story: Story):
    minted = [one["credential_id"] for one in facts(await page(story.town)) if one["kind"] == "credential.minted"]

    assert minted.count(str(story.after.credential_id)) == 1
    assert minted.count(str(story.before.credential_id)) == 1
