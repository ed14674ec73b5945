"""The log: every fact a leaf once, proofs that hold, one writer."""

import json
from collections.abc import Sequence

from counterfoil.contracts import revocation_ordered
from counterfoil.contracts.audit_recorded import AuditRecorded
from counterfoil.contracts.revocation_ordered import RevocationOrdered, revocation_id
from counterfoil.wire import checkpoint
from counterfoil.wire.log_key import LogKey
from counterfoil.wire.merkle import leaf_hash, root
from counterfoil.wire.receipt import check
from counterfoil_server.runtime.stage import Out
from services.audit.recorded import LARGEST
from tests.audit import facts
from tests.audit.facts import NOW, approved, minted, received, rejected, verified
from tests.audit.house import ORIGIN, House


def published(outs: Sequence[Out]) -> list[AuditRecorded]:
    return [out.fact for out in outs if isinstance(out.fact, AuditRecorded)]


async def test_the_tree_is_that_of_all_leaves_after_every_batch_and_a_restart(house: House):
    for size in (1, 2, 5, 3, 16):
        await house.run(*(verified(house.asked()) for _ in range(size)))
        if size == 3:
            await house.restart()

        row = await house.owner.fetchrow("SELECT size, checkpoint FROM audit_head")
        stored = await house.owner.fetch("SELECT idx, bytes, leaf_hash FROM audit_leaf ORDER BY idx")
        hashes = [leaf_hash(one["bytes"]) for one in stored]
        head = checkpoint.check(row["checkpoint"], [house.log_keys[0].vkey], ORIGIN)
        assert (head.size, head.root) == (len(stored), root(hashes)) == (row["size"], root(hashes))
        assert [one["idx"] for one in stored] == list(range(len(stored)))
        assert [one["leaf_hash"] for one in stored] == hashes
        house.log_keys = house.log_keys[:1]


async def test_each_leaf_names_its_place_and_its_predecessor(house: House):
    await house.run(verified(house.asked()), approved(house.asked()))

    stored = await house.owner.fetch("SELECT bytes, leaf_hash FROM audit_leaf ORDER BY idx")
    for index, row in enumerate(stored):
        leaf = json.loads(row["bytes"])
        assert leaf["seq"] == index
        assert leaf["prev"] == (stored[index - 1]["leaf_hash"].hex() if index else "00" * 32)


async def test_a_fact_that_comes_again_is_no_second_leaf(house: House):
    fact = verified(house.asked())

    await house.run(fact, fact)
    await house.run(fact, verified(house.asked()))

    assert [leaf["fact"]["id"] for leaf in await house.leaves()].count(str(fact.id)) == 1


async def test_a_repeat_is_published_again_with_a_head_that_covers_it(house: House):
    fact = verified(house.asked())
    await house.run(fact)

    (again,) = published(await house.run(fact))

    (leaf,) = again.leaves
    assert json.loads(leaf.leaf)["fact"]["id"] == str(fact.id)
    assert checkpoint.check(again.checkpoint, [house.log_keys[0].vkey], ORIGIN).size > leaf.index


async def test_the_same_id_in_other_bytes_is_a_leaf_of_its_own(house: House):
    about = house.asked()

    await house.run(verified(about))
    await house.run(verified(about, at=facts.NOW.replace(second=1)))
    await house.run(verified(about, at=facts.NOW.replace(second=1)))

    assert [leaf["fact"]["asked"]["request_hash"] for leaf in await house.leaves()].count(about.request_hash) == 2


async def test_facts_that_answer_nobody_are_recorded(house: House):
    credential_id = minted(house.asked()).credential_id
    order = RevocationOrdered(id=revocation_id(credential_id), at=NOW, credential_id=credential_id, connector="postgres/demo", cause="expired")

    sent = await house.run(received(order, topic=revocation_ordered.TOPIC))

    assert [out.topic.name for out in sent] == ["audit.recorded"]
    assert (await house.leaves())[-1]["fact"]["cause"] == "expired"


async def test_leaves_are_published_in_parts_that_a_record_holds(house: House):
    wish = {"connector": "postgres/demo", "scopes": ['"' * 12_000]}

    sent = await house.run(*(verified(house.asked(), wish=wish) for _ in range(12)))

    assert len(sent) > 1
    assert all(len(out.bytes()) < LARGEST + 4096 for out in sent)
    indexes = [leaf.index for one in published(sent) for leaf in one.leaves]
    assert indexes == list(range(indexes[0], indexes[0] + 12))


async def test_while_the_log_key_rotates_both_keys_sign(house: House):
    old, new = house.log_keys[0], LogKey.generate(ORIGIN)
    house.log_keys = [old, new]

    (answer,) = house.opened(await house.run(rejected(house.asked())))

    assert answer.leaf is not None
    for key in (old, new):
        check(answer.leaf.encode(), answer.proof, [key.vkey], ORIGIN)


async def test_one_fact_that_has_no_canonical_form_is_a_dead_letter_and_takes_no_other_with_it(house: House):
    good, bad = verified(house.asked()), verified(house.asked(), claims={"ref": 0.5})

    await house.run(bad, good)

    ((buried, fault),) = house.dead
    assert (buried.fact, str(fault)) == (bad, "not_canonical")
    ids = [leaf["fact"]["id"] for leaf in await house.leaves()]
    assert (str(good.id) in ids, str(bad.id) in ids) == (True, False)


async def test_a_batch_of_dead_letters_only_appends_nothing(house: House):
    assert await house.run(verified(house.asked(), claims={"ref": 0.5})) == []


async def test_the_subjects_text_is_kept_apart_and_a_repeat_does_not_bring_it_back(house: House):
    fact = verified(house.asked(), sub_hash="9" * 64)
    await house.run(fact, verified(house.asked(), sub_hash="9" * 64))
    assert await house.owner.fetchval("SELECT box FROM subject WHERE sub_hash = $1", fact.sub_hash) == b"subject"

    await house.owner.execute("DELETE FROM subject")
    await house.run(fact)

    assert await house.owner.fetchval("SELECT count(*) FROM subject") == 0
