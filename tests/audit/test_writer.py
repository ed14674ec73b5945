"""One writer, and nothing appended where its state is in doubt."""

import asyncio
from collections.abc import Sequence

import pytest

from counterfoil.wire.secret import Secret
from counterfoil_server.runtime.stage import TRANSPORT
from services.audit.log import LogStopped
from services.audit.writer import writer
from tests.audit.facts import refused, rejected, verified
from tests.audit.house import House


async def test_without_a_log_key_the_batch_stops_and_no_message_is_to_blame(house: House):
    fact = verified(house.asked())
    house.log_keys, kept = [], house.log_keys

    with pytest.raises(OSError, match="log key"):
        await house.run(fact)

    house.log_keys = kept
    await house.run(fact)
    assert (await house.leaves())[-1]["fact"]["id"] == str(fact.id)


async def test_where_someone_else_has_appended_nothing_is_written(house: House):
    await house.run(verified(house.asked()))
    size = await house.owner.fetchval("SELECT size FROM audit_head")
    await house.owner.execute("UPDATE audit_head SET size = size + 1")

    with pytest.raises(LogStopped):
        await house.run(refused(about := house.asked()))

    assert await house.owner.fetchval("SELECT count(*) FROM audit_leaf") == size
    assert await house.owner.fetchval("SELECT count(*) FROM reply WHERE request_hash = $1", about.request_hash) == 0
    await house.owner.execute("UPDATE audit_head SET size = size - 1")
    await house.run(refused(about))


async def test_a_head_that_is_not_that_of_the_leaves_is_not_appended_to(house: House):
    await house.run(verified(house.asked()))
    kept = await house.owner.fetchval(
        "UPDATE audit_head SET last_leaf = decode(repeat('00', 32), 'hex') RETURNING (SELECT last_leaf FROM audit_head)"
    )

    with pytest.raises(LogStopped):
        await house.restart()
    with pytest.raises(LogStopped):
        await house.run(verified(house.asked()))

    await house.owner.execute("UPDATE audit_head SET last_leaf = $1", kept)


async def test_a_commit_whose_answer_was_lost_is_found_when_the_batch_comes_again(house: House, monkeypatch: pytest.MonkeyPatch):
    fact = rejected(house.asked())
    fetch = house.writer.fetch

    async def lost(statement: str, *arguments: object) -> Sequence[object]:
        found = await fetch(statement, *arguments)
        if "INSERT INTO audit_leaf" in statement:
            raise ConnectionError
        return found

    with monkeypatch.context() as patch:
        patch.setattr(house.writer, "fetch", lost)
        with pytest.raises(ConnectionError):
            await house.run(fact)

    assert len(house.opened(await house.run(fact, rejected(house.asked())))) == 2
    assert [leaf["fact"]["id"] for leaf in await house.leaves()].count(str(fact.id)) == 1


async def test_a_second_writer_stands_by_until_the_first_is_gone(house: House):
    second = asyncio.create_task(writer(Secret(house.dsn), probe=0.02))
    await asyncio.sleep(0.2)
    assert not second.done()

    await house.writer.close()

    await (await asyncio.wait_for(second, 5)).close()


async def test_a_writer_whose_connection_is_lost_appends_no_more(house: House):
    await house.cut_the_writer()

    with pytest.raises(TRANSPORT):
        await house.run(verified(house.asked()))
