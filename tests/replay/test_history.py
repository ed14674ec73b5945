"""The registry at any revision, from the changes that the log holds."""

import random

import pytest

from counterfoil.contracts.registry import Ceiling
from counterfoil_server.replay.history import History, NoHistory
from counterfoil_server.runtime.snapshot import Snapshot
from tests.replay.logs import CONNECTOR, ISSUER, LINK, MAIN_ONLY, NOW, Leaves, recorder

NARROW = LINK.model_copy(update={"ceiling": Ceiling(scopes=frozenset({"read"}))})


def story() -> tuple[Leaves, list[Snapshot]]:
    """Its leaves, and the snapshot after each."""
    log, leaves, then = *recorder(), []
    steps = [
        lambda: log.put(ISSUER), lambda: log.put(CONNECTOR), lambda: log.put(LINK), lambda: log.note("fenced", "connector", "postgres/demo"),
        lambda: log.put(NARROW), lambda: log.put(MAIN_ONLY), lambda: log.remove(NARROW), lambda: log.note("key_added", "key", "k1", {"role": "mint"}),
        lambda: log.put(LINK), lambda: log.remove(MAIN_ONLY),
    ]  # fmt: skip
    for step in steps:
        leaves.append(log.changed(step()))
        then.append(log.snapshot)
    return leaves, then


def test_every_revision_is_as_it_was_in_any_order_of_asking_and_of_leaves():
    leaves, then = story()
    shuffled = random.Random(7)  # noqa: S311 - the same each time
    for _ in range(5):
        shuffled.shuffle(leaves)
        history = History.of(leaves)
        asked = [*range(1, 11), *range(1, 11)]
        shuffled.shuffle(asked)
        assert all(history.at(revision) == then[revision - 1] for revision in asked)
    assert history.last == 10


def test_before_the_first_change_there_is_nothing():
    assert History.of([]).at(0).entries == ()


def test_what_no_entry_changed_is_one_turn():
    history = History.of(story()[0])

    assert [history.turn(revision) for revision in range(11)] == [0, 1, 2, 3, 3, 5, 6, 7, 7, 9, 10]
    assert history.at(4).link("postgres/demo", "web", "production") is history.at(3).link("postgres/demo", "web", "production")


def test_a_missing_change_is_named_from_there_on_and_not_before():
    leaves, then = story()
    history = History.of([*leaves[:4], *leaves[5:]])

    assert history.at(4) == then[3]
    with pytest.raises(NoHistory, match="change 5"):
        history.at(7)
    with pytest.raises(NoHistory, match="change 11"):
        History.of(leaves).at(12)


@pytest.mark.parametrize("revision", [2**60, -1])
def test_a_revision_that_never_was_costs_nothing_to_refuse(revision: int):
    """Whoever has policy's key may have written any number into the log."""
    history = History.of(story()[0])

    with pytest.raises(NoHistory):
        history.at(revision)


def test_an_entry_of_other_code_is_named_where_it_counts():
    leaves, then = story()
    index, text = leaves[5]
    leaves[5] = index, text.replace(b'"kind":"policy","name"', b'"kind":"plan","name"')
    history = History.of(leaves)

    assert history.at(5) == then[4]
    with pytest.raises(NoHistory, match="revision 6 holds a policy main-only"):
        history.at(6)


def test_a_revision_that_the_log_knows_twice_is_said_and_the_first_counts():
    leaves, then = story()
    other, _ = recorder(CONNECTOR)
    log, _ = recorder(ISSUER)
    twin = log.changed(log.put(CONNECTOR.model_copy(update={"installation": "other"})))
    history = History.of([*leaves, (99, twin[1])])

    assert history.forks == {2}
    assert history.at(2) == then[1]
    assert other.snapshot.revision == 1


def test_a_time_leads_to_the_revision_that_held_then():
    log, leaves = recorder(ISSUER, CONNECTOR)
    log.now = NOW.replace(hour=13)
    leaves.append(log.changed(log.put(LINK)))
    history = History.of(leaves)

    assert [history.revision_at(NOW.replace(hour=hour)) for hour in (11, 12, 13)] == [0, 2, 3]
