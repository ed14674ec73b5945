"""What the console's figures are measured over is a log as audit would have written it: its tree, its tally and its ends fit its leaves."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from counterfoil.wire.merkle import leaf_hash, root
from services.console.audit.leaves import leaf
from services.console.live.exchanges import exchanges
from services.console.tally.counting import ENDED, counted
from services.dev.bench import console_made
from services.dev.bench.console_log import Book, Grown

BEGAN, NUMBER, LIVE = datetime(2026, 11, 28, 11, 59, tzinfo=UTC), 300, 40


@pytest.fixture(scope="module")
def grown() -> tuple[Book, list[Grown]]:
    """In three parts of uneven size, over an hour's end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console_made, "PROJECTS", 10)
        patch.setattr(console_made, "SORTS", 150)
        book, parts = Book(console_made.sorts(), LIVE, timedelta(hours=1)), []
    for number in range(NUMBER):
        book.exchange(BEGAN + number * timedelta(seconds=1))
        if number in (7, 200, NUMBER - 1):
            parts.append(book.taken())
    return book, parts


def test_each_leaf_names_the_one_before_it_and_the_tree_is_theirs(grown: tuple[Book, list[Grown]]):
    book, parts = grown
    rows = [row for part in parts for row in part.leaves]

    read = [json.loads(row[4]) for row in rows]

    assert [one["seq"] for one in read] == [row[0] for row in rows] == list(range(book.edge.size))
    assert [one["prev"] for one in read] == [bytes(32).hex(), *(row[3].hex() for row in rows[:-1])]
    assert [leaf_hash(row[4]) for row in rows] == [row[3] for row in rows]
    assert all(one["fact"]["id"] == str(row[1]) and "%" not in row[4].decode() for one, row in zip(read, rows, strict=True))
    assert book.edge.root() == root([row[3] for row in rows])
    tiles = {(level, at): node for part in parts for level, at, node in part.tiles}
    assert tiles[1, 0] == root([row[3] for row in rows[:256]])
    assert len(tiles) == book.edge.size // 256


def test_the_tally_is_what_the_console_would_have_counted(grown: tuple[Book, list[Grown]]):
    book, parts = grown
    leaves = [row[4] for part in parts for row in part.leaves]

    assert book.tally == counted(leaves, {f"instant/db-{at:02}" for at in range(console_made.CONNECTORS)})
    assert {key.outcome for key in book.tally} == {*ENDED, "revoked"}
    assert len({key.hour for key in book.tally}) == 2


def test_every_exchange_has_its_end_and_so_many_are_alive(grown: tuple[Book, list[Grown]]):
    book, parts = grown
    found = exchanges([leaf({"idx": row[0], "bytes": row[4]}) for part in parts for row in part.leaves])

    assert len({one.request_id for one in found}) == len(found) == NUMBER
    assert len(book.alive) == LIVE
    assert sum(len(part.ended) for part in parts) == sum(one.outcome == "granted" for one in found) - LIVE
