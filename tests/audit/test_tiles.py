"""The writer's tiles, and what its leaves are about: made with the leaves, whatever the batches, and again after a restart."""

import random
from collections.abc import Sequence

import asyncpg
import pytest

from counterfoil.contracts import revocation_ordered, revocation_requested
from counterfoil.contracts.revocation_ordered import RevocationOrdered, revocation_id
from counterfoil.contracts.revocation_requested import Actor, Predicate, RevocationRequested
from counterfoil.wire import checkpoint
from counterfoil.wire.merkle import path, root
from counterfoil_server.runtime.store.tiles import Tiles
from services.audit.log import LogStopped
from tests.audit.facts import NOW, approved, minted, received, rejected, verified
from tests.audit.house import House


async def tile_rows(owner: asyncpg.Connection) -> dict[tuple[int, int], bytes]:
    return {(row["level"], row["idx"]): row["hash"] for row in await owner.fetch("SELECT * FROM audit_tile")}


def from_scratch(hashes: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    found: dict[tuple[int, int], bytes] = {}
    level = 1
    while len(hashes) >= 256:
        hashes = [root(hashes[at : at + 256]) for at in range(0, len(hashes) - len(hashes) % 256, 256)]
        found |= {(level, at): node for at, node in enumerate(hashes)}
        level += 1
    return found


async def leaf_hashes(owner: asyncpg.Connection) -> list[bytes]:
    return [row["leaf_hash"] for row in await owner.fetch("SELECT leaf_hash FROM audit_leaf ORDER BY idx")]


async def test_after_every_batch_and_a_restart_the_tiles_are_those_of_all_leaves(house: House):
    draw = random.Random(7)  # noqa: S311 - sizes of batches
    for size in (1, 254, 1, 255, 2, *(draw.randint(1, 300) for _ in range(4))):
        await house.run(*(verified(house.asked()) for _ in range(size)))
        if draw.random() < 0.4:
            await house.restart()

        assert await tile_rows(house.owner) == from_scratch(await leaf_hashes(house.owner))


async def test_proofs_made_of_the_rows_hold_against_the_signed_head(house: House):
    await house.run(*(verified(house.asked()) for _ in range(300)))
    hashes, reader = await leaf_hashes(house.owner), Tiles(house.owner)
    head = checkpoint.check(await house.owner.fetchval("SELECT checkpoint FROM audit_head"), [house.log_keys[0].vkey])

    assert await reader.root(head.size) == head.root
    for index in (0, 255, 256, head.size - 1):
        assert await reader.inclusion(index, head.size) == path(index, hashes)
    assert await reader.tile(0, 0) == b"".join(hashes[:256])
    assert await reader.tile(1, 0, 1) == root(hashes[:256])


async def test_what_is_not_appended_leaves_no_tile_and_nothing_about_it(house: House):
    await house.owner.execute("UPDATE audit_head SET size = size + 1")
    before = await tile_rows(house.owner), await house.owner.fetchval("SELECT count(*) FROM audit_about")

    with pytest.raises(LogStopped):
        await house.run(*(verified(house.asked()) for _ in range(300)))

    assert (await tile_rows(house.owner), await house.owner.fetchval("SELECT count(*) FROM audit_about")) == before
    await house.owner.execute("UPDATE audit_head SET size = size - 1")


async def about(house: House, one: object) -> list[str]:
    rows = await house.owner.fetch("SELECT bytes::text FROM audit_about JOIN audit_leaf USING (idx) WHERE id = $1 ORDER BY idx", one)
    return [bytes.fromhex(row["bytes"].removeprefix("\\x")).decode().partition('"kind":"')[2].partition('"')[0] for row in rows]


async def test_leaves_are_found_by_the_request_that_they_speak_of_else_by_the_credential(house: House):
    asked, other = house.asked(), house.asked()
    fact = await house.ledger(minted(asked))
    order = RevocationRequested(id=revocation_id(fact.id), at=NOW, actor=Actor(issuer="i", sub_hash="a" * 64, role="app"),
                                predicate=Predicate(credential_id=fact.credential_id), cause="leaked")  # fmt: skip
    wide = order.model_copy(update={"id": other.request_id, "predicate": Predicate(project="web")})
    ordered = RevocationOrdered(id=revocation_id(fact.credential_id), at=NOW, credential_id=fact.credential_id, connector="c", cause="requested")

    await house.run(verified(asked), rejected(other), approved(asked), fact)
    await house.run(received(order, topic=revocation_requested.TOPIC), received(wide, topic=revocation_requested.TOPIC),
                    received(ordered, topic=revocation_ordered.TOPIC))  # fmt: skip

    assert await about(house, asked.request_id) == ["identity.verified", "grant.approved", "credential.minted"]
    assert await about(house, other.request_id) == ["identity.rejected"]
    assert await about(house, fact.credential_id) == ["revocation.requested", "revocation.ordered"]
