"""Lru: bounded, and forgets what was used longest ago."""

from counterfoil.wire.lru import Lru


def test_the_least_recently_used_is_forgotten_first() -> None:
    lru: Lru[str, int] = Lru(2)
    lru.put("a", 1)
    lru.put("b", 2)
    assert lru.get("a") == 1
    lru.put("c", 3)
    assert (lru.get("a"), lru.get("b"), lru.get("c"), len(lru)) == (1, None, 3, 2)


def test_putting_again_replaces_and_renews() -> None:
    lru: Lru[str, int] = Lru(2)
    lru.put("a", 1)
    lru.put("b", 2)
    lru.put("a", 9)
    lru.put("c", 3)
    assert (lru.get("a"), lru.get("b")) == (9, None)


def test_entries_are_dropped_by_predicate() -> None:
    lru: Lru[str, int] = Lru(9)
    for key, value in (("a", 1), ("b", 5), ("c", 1)):
        lru.put(key, value)
    lru.drop_while(lambda value: value < 3)
    assert (lru.get("a"), lru.get("c")) == (None, 1)
    lru.drop_where(lambda key, _: key == "c")
    assert (lru.get("b"), lru.get("c")) == (5, None)
    lru.drop_while(lambda _: True)
    assert len(lru) == 0
