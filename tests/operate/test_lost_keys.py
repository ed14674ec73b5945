"""A private key is gone, and no copy of it: what breaks, what brings the installation back, and what stays lost. docs/operate/lost-keys.md."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from counterfoil.client.credential import Credential
from counterfoil.client.errors import CounterfoilError
from counterfoil.wire import checkpoint
from counterfoil.wire.consistency import check_consistency, consistency_path
from counterfoil.wire.merkle import leaf_hash
from counterfoil.wire.receipt import BadReceipt, ReceiptChecker
from services.dev import seed
from services.dev.postgres import Postgres
from services.ops import key_chest, key_rotation
from tests.operate.going_back import lend, page
from tests.support.demo import BROKER_PASSWORD
from tests.support.town import Town, founded
from tests.support.waiting import until


@pytest.fixture(scope="module", name="town")
async def of_this_module(kafka: str, postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with founded(tmp_path_factory.mktemp("lost-keys"), kafka, postgres_server) as made:
        yield made


async def lose(town: Town, pattern: str, *roles: str) -> None:
    """The files, and the processes that had them in memory."""
    for role in roles:
        await town.stop(role)
        files = list((town.plan.keys / role).glob(pattern))
        assert files
        for file in files:
            file.unlink()


async def rotate(town: Town, role: str, use: str) -> None:
    """As `counterfoil keys rotate`, whose minute is over by now: everybody who is there has read the rows again."""
    async with town.sql() as db:
        fresh = await key_rotation.rotate(db, town.plan.keys, role, use, datetime.now(UTC) - timedelta(seconds=60), timedelta(seconds=60))

    async def told() -> bool:
        return fresh.kid in (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).raise_for_status().text

    if use != "sign":
        await until(told)


async def init(town: Town) -> None:
    async with town.sql() as db:
        await key_chest.init(db, town.plan.keys, datetime.now(UTC), origin="never.used/again")


async def again(town: Town, *roles: str) -> Credential:
    for role in roles:
        await town.start(role)
    lent = await lend(town)
    session = await asyncpg.connect(lent.reveal())
    await session.close()
    return lent


@pytest.mark.parametrize("role", ["policy", "mint"])
async def test_a_signing_key_is_rotated_and_nothing_stays_lost(town: Town, role: str):
    await lose(town, "sign-*", role)
    await rotate(town, role, "sign")

    await again(town, role)


async def test_the_verifiers_opening_key_is_rotated_and_nothing_stays_lost(town: Town):
    await lose(town, "open-*", "verifier")
    await rotate(town, "verifier", "open")

    await again(town, "verifier")


async def test_with_mints_opening_key_go_only_root_secrets_that_it_had_not_taken_in(town: Town):
    await lose(town, "open-*", "mint")
    await rotate(town, "mint", "open")

    await again(town, "mint")


async def test_with_the_key_encryption_key_go_the_root_secrets_which_are_set_again(town: Town):
    await lose(town, "kek-*", "mint", "revoke")
    await init(town)
    await town.start("mint")
    await town.start("revoke")
    with pytest.raises(CounterfoilError) as no:
        await lend(town)
    assert no.value.code == "provider_unavailable"

    await seed.sow(town.plan, BROKER_PASSWORD, 1)  # as `counterfoil apply --renew-secrets`
    lent = await again(town)
    assert await revoked(town, lent)


async def revoked(town: Town, lent: Credential) -> bool:
    """Whether it is known as the caller's own."""
    async with town.client() as client:
        return (await client.revoke(lent.credential_id))["accepted"] is not None


async def test_the_log_key_is_rotated_old_receipts_hold_and_the_log_is_the_same_log(town: Town):
    before, old = await lend(town), await page(town)
    pinned = await published(town)
    await lose(town, "log-*", "audit")
    await rotate(town, "audit", "log")
    after = await again(town, "audit")

    ReceiptChecker(pinned).check(str(before.receipt.leaf).encode(), before.receipt.proof)
    with pytest.raises(BadReceipt, match="unknown_key"):
        ReceiptChecker(pinned).check(str(after.receipt.leaf).encode(), after.receipt.proof)
    now, then = await page(town), checkpoint.parse(old["checkpoint"])
    head, hashes = checkpoint.parse(now["checkpoint"]), [leaf_hash(one["leaf"].encode()) for one in now["leaves"]]
    check_consistency(then.size, then.root, head.size, head.root, consistency_path(then.size, hashes))


async def published(town: Town) -> Sequence[str]:
    found: dict[str, Any] = (await town.http.get(f"{town.plan.url}/.well-known/counterfoil")).raise_for_status().json()
    return list(found["log_keys"])


async def test_the_subject_key_comes_back_from_the_other_role_that_has_it(town: Town):
    before = await lend(town)
    await lose(town, "subject.key", "verifier")
    await init(town)

    await again(town, "verifier")
    assert await revoked(town, before)


async def test_without_any_copy_of_the_subject_key_everybody_is_somebody_new(town: Town):
    before = await lend(town)
    await lose(town, "subject.key", "verifier", "gateway")
    await init(town)
    after = await again(town, "verifier", "gateway")

    assert await revoked(town, after)
    assert not await revoked(town, before)
    answer = await town.http.post(
        f"{town.plan.url}/v1/revocations",
        json={"predicate": {"credential_id": str(before.credential_id)}, "cause": "test"},
        headers=await town.admin(),
    )
    assert answer.status_code == 202, answer.text


async def test_without_the_lookup_key_a_credential_is_revoked_by_its_id_and_no_longer_by_itself(town: Town):
    by_itself, by_id = await lend(town), await lend(town)
    await lose(town, "lookup.key", "mint", "gateway")
    await init(town)
    await again(town, "mint", "gateway")

    bearer = {"Authorization": f"Bearer {await town.id_token()}"}
    answer = await town.http.post(f"{town.plan.url}/oauth2/revoke", data={"token": by_itself.reveal()}, headers=bearer)
    assert answer.status_code == 200  # RFC 7009: a token that nobody knows is no error
    assert await revoked(town, by_id)
    assert await ordered(town, by_id.credential_id)
    assert not await ordered(town, by_itself.credential_id)


async def ordered(town: Town, credential_id: UUID) -> bool:
    async with town.sql() as db:
        predicate = '{"credential_id": "%s"}' % credential_id  # noqa: UP031 - braces
        return bool(await db.fetchval("SELECT EXISTS (SELECT FROM revocation_order WHERE predicate @> $1::jsonb)", predicate))
