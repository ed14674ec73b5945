"""Facts of the topics, made leaves of again, beside the log."""

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from counterfoil.wire.merkle import leaf_hash
from counterfoil_server.replay.source import members
from services.audit.leaves import NONE_BEFORE
from services.ops.replay.export import Export
from services.ops.replay.stage_audit import ON_ITS_WAY, PATIENCE, Audit, InExport, Known, Leaf
from services.ops.replay.stage_tally import Tally
from tests.replay.stages import Walked, checker, stream
from tests.support.facts import connector, link


class Log:
    """The log of a walk, by the hash of each fact."""

    def __init__(self, traffic: Walked) -> None:
        self.known: dict[bytes, Leaf] = {}
        before = NONE_BEFORE
        for index, text in traffic.texts:
            self.known[bytes.fromhex(members(index, text)["fact_sha256"])] = Leaf(index, text, before)
            before = leaf_hash(text)

    async def of(self, ids: Sequence[UUID]) -> Known:
        wanted = {str(one) for one in ids}
        return {name: leaf for name, leaf in self.known.items() if json.loads(leaf.text)["fact"]["id"] in wanted}


async def compared(traffic: Walked, log: Log | InExport, *, after: timedelta = PATIENCE) -> Tally:
    return await Audit(log, checker(), lambda: traffic.at + after).run(stream(traffic.messages))


def walked() -> Walked:
    traffic = Walked(connector(), link())
    traffic.mint()
    traffic.ask(project="shop")
    return traffic


async def test_every_fact_makes_the_leaf_that_the_log_has():
    traffic = walked()
    tally = await compared(traffic, Log(traffic))

    assert tally.different == 0
    assert dict(tally.equal) == {"registry.changed": 2, "identity.verified": 2, "grant.approved": 1, "credential.minted": 1, "grant.denied": 1}


async def test_what_was_read_is_known_by_its_hash():
    traffic = walked()
    running = Audit(Log(traffic), checker(), lambda: traffic.at)
    await running.run(stream(traffic.messages))

    assert running.facts == set(Log(traffic).known)


async def test_a_leaf_that_is_missing_is_missed_but_not_one_that_may_still_come():
    traffic = walked()
    log = Log(traffic)
    del log.known[hashlib.sha256(traffic.messages[-1].value).digest()]
    late, soon = await compared(traffic, log), await compared(traffic, log, after=timedelta())

    assert late.different == 1
    assert "the log has no leaf of it" in "\n".join(late.lines())
    assert (soon.different, soon.apart[ON_ITS_WAY]) == (0, 1)


async def test_a_leaf_that_is_another_is_shown_with_what_differs():
    traffic = walked()
    log = Log(traffic)
    name = hashlib.sha256(traffic.messages[-1].value).digest()
    one = log.known[name]
    log.known[name] = Leaf(one.index, one.text.replace(b'"project":"shop"', b'"project":"shep"'), one.before)

    tally = await compared(traffic, log)

    assert [one.member for one in tally.shown[0].differences] == ["fact.project"]


async def test_a_leaf_that_follows_another_than_the_one_before_it_is_shown():
    traffic = walked()
    log = Log(traffic)
    name = hashlib.sha256(traffic.messages[-1].value).digest()
    one = log.known[name]
    log.known[name] = Leaf(one.index, one.text, bytes(32))

    assert [found.member for found in (await compared(traffic, log)).shown[0].differences] == ["prev"]


async def test_an_export_serves_as_well_as_the_database(tmp_path: Path):
    traffic, file = walked(), tmp_path / "audit.jsonl"
    file.write_text("".join(json.dumps({"index": index, "leaf": text.decode()}) + "\n" for index, text in traffic.texts))

    assert (await compared(traffic, await InExport.read(Export(file)))).different == 0
