"""Leaves from an export file and from the database: the same, in order, and only those that were asked for."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from counterfoil.contracts.base import named
from counterfoil_server.replay.source import BadSource, Source, Text, Window, leaves
from services.ops.replay.export import Export
from tests.replay.logs import CLAIMS, ISSUER, NOW, READ, exported, recorder, small


def read(source: Source, window: Window) -> list[Text]:
    async def all_of_it() -> list[Text]:
        return [one async for part in source.parts(window) for one in part]

    return asyncio.run(all_of_it())


def test_an_export_is_read_as_it_was_written(tmp_path: Path):
    written = small()
    source = Export(exported(tmp_path / "log", written))

    assert read(source, Window()) == written
    assert (source.first, source.done, source.checkpoint) == (0, 1.0, "a note\n")


def test_a_window_is_an_index_or_a_span_of_time(tmp_path: Path):
    written = small()
    source = Export(exported(tmp_path / "log", written))
    at = NOW + timedelta(milliseconds=105)

    assert read(source, Window(first=30)) == written[30:]
    later, earlier = read(source, Window(since=at)), read(source, Window(until=at))
    assert earlier + later == written
    assert earlier
    assert later
    assert read(source, Window(first=5, since=at, until=at)) == []


def test_a_part_of_a_log_says_where_it_begins(tmp_path: Path):
    assert Export(exported(tmp_path / "log", small()[7:])).first == 7


def test_changes_are_found_wherever_they_stand_and_nothing_that_only_looks_like_one(tmp_path: Path):
    log, written = recorder(ISSUER)
    written += log.exchange(1, ISSUER, "alice", {**CLAIMS, "ref": '"kind":"registry.changed"'}, READ)
    source = Export(exported(tmp_path / "log", written))

    assert asyncio.run(source.changes()) == written[:1]


def test_facts_are_found_by_their_ids(tmp_path: Path):
    log, written = recorder(ISSUER)
    written += log.exchange(1, ISSUER, "alice", CLAIMS, READ)
    source = Export(exported(tmp_path / "log", written))

    assert asyncio.run(source.facts([named("registry", "1")])) == written[:1]
    assert asyncio.run(source.facts([named("registry", "2")])) == []


def test_leaves_come_with_their_members(tmp_path: Path):
    source = Export(exported(tmp_path / "log", small()))

    async def kinds() -> list[tuple[int, str]]:
        return [(index, leaf["fact"]["kind"]) async for index, leaf in leaves(source)]

    assert asyncio.run(kinds())[:5] == [(0, "registry.changed"), (1, "registry.changed"), (2, "registry.changed"), (3, "registry.changed"),
                                        (4, "identity.verified")]  # fmt: skip


@pytest.mark.parametrize("line", ["", "hello", "[]", '{"index":0}', '{"leaf":"x"}', '{"index":0,"leaf":7}'])
def test_what_is_no_export_is_refused(line: str, tmp_path: Path):
    path = tmp_path / "log"
    path.write_text(line + "\n")

    if line:
        with pytest.raises(BadSource):
            read(Export(path), Window())
    else:
        assert read(Export(path), Window()) == []


def test_a_leaf_that_is_left_out_is_noticed(tmp_path: Path):
    written = small()
    path = exported(tmp_path / "log", [*written[:9], *written[10:]])

    with pytest.raises(BadSource, match="leaf 10 stands where leaf 9 should"):
        read(Export(path), Window())
