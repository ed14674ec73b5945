"""The published head is shown with whoever witnessed it, and later proofs are made against it. On a log of its own, whose newest head is younger."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from counterfoil.wire import checkpoint as checkpoints
from counterfoil.wire.cosignature import WitnessKey, WitnessVKey
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import root
from counterfoil.wire.receipt import ReceiptChecker, read_proof
from tests.gateway import test_v1_audit
from tests.gateway.bus import Keys
from tests.gateway.conftest import Town
from tests.gateway.test_v1_audit import HASHES, SIZE, public, viewer

database, logged = test_v1_audit.database, test_v1_audit.logged
PUBLISHED = 700
WITNESSES = (WitnessKey("witness.test/w1", bytes(range(32))), WitnessKey("witness.test/w2", bytes(range(1, 33))))


Publish = Callable[..., Awaitable[None]]


@pytest.fixture
async def publish(logged: Town, keyed: tuple[Any, Keys]) -> Publish:
    """Heads that each test publishes anew, since each has a log key of its own."""
    async with logged.root.transaction():
        await logged.root.execute("SET LOCAL session_replication_role = replica; DELETE FROM audit_cosignature; DELETE FROM audit_published")
    return partial(published, logged, keyed[1].log)


async def published(town: Town, key: LogKey, size: int, *by: WitnessKey) -> None:
    note = key.sign(key.name, size, root(HASHES[:size]))
    await town.root.execute("INSERT INTO audit_published (size, checkpoint) VALUES ($1, $2)", size, note)
    for one in by:
        line = one.cosign(checkpoints.parse(note).body, 1_790_000_000)
        await town.root.execute("INSERT INTO audit_cosignature (size, witness, line) VALUES ($1, $2, $3)", size, one.name, line)


def witnessed(note: str) -> list[int | None]:
    return [WitnessVKey.parse(one.vkey).signed_at(checkpoints.parse(note)) for one in WITNESSES]


async def test_the_checkpoint_carries_every_cosignature_and_proofs_do(logged: Town, publish: Publish):
    await publish(300, WITNESSES[0])
    await publish(PUBLISHED, *WITNESSES)
    note, tlog = (await public(logged, "checkpoint")).text, (await public(logged, "tlog/checkpoint")).text
    proven, told = (await viewer(logged, "proof/inclusion?index=699")).json(), (await public(logged, "proof/consistency?from=300")).json()

    assert checkpoints.check(note, logged.keys.log_vkeys()).size == PUBLISHED
    assert witnessed(note) == [1_790_000_000] * 2
    assert note == tlog == proven["checkpoint"] == told["checkpoint"] == read_proof(proven["proof"]).checkpoint
    assert ReceiptChecker(logged.keys.log_vkeys()).check(proven["leaf"].encode(), proven["proof"])["fact"]["n"] == 699


@pytest.mark.parametrize("query", ["index=700", "index=5&size=771"])
async def test_a_leaf_beyond_it_has_no_proof_yet(logged: Town, publish: Publish, query: str):
    await publish(PUBLISHED, *WITNESSES)

    assert (await viewer(logged, f"proof/inclusion?{query}")).json()["code"] == "beyond_log"


async def test_whoever_has_a_younger_head_may_ask_about_its_tree(logged: Town, publish: Publish):
    """A receipt comes with a head that was never published."""
    await publish(PUBLISHED, *WITNESSES)

    assert (await viewer(logged, f"proof/inclusion?index=750&size={SIZE}")).status_code == 200
    assert (await public(logged, f"proof/consistency?from={PUBLISHED}&to={SIZE}")).json()["checkpoint"] is None
    assert (await public(logged, "tlog/tile/0/003.p/2")).status_code == 200


async def test_leaves_come_with_the_newest_head_which_is_witnessed_once_it_is_published(logged: Town, publish: Publish):
    await publish(PUBLISHED, *WITNESSES)
    before = (await viewer(logged, "leaves?limit=1")).json()
    await publish(SIZE, WITNESSES[1])
    after = (await viewer(logged, "leaves?limit=1")).json()

    assert (before["size"], witnessed(before["checkpoint"])) == (SIZE, [None, None])
    assert (after["size"], witnessed(after["checkpoint"])) == (SIZE, [None, 1_790_000_000])
