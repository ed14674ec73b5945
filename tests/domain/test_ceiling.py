"""What a ceiling covers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.contracts.exchange_requested import Wish
from counterfoil.contracts.registry import Ceiling
from counterfoil_server.domain.ceiling import Beyond, Wanted, beyond, covered, nearest, wanted
from tests.support.facts import connector

SHOP = {"type": "postgres", "schemas": ["shop", "blog"], "actions": ["read"], "tables": "*"}


def ceiling(*details: dict[str, Any], scopes: set[str] | frozenset[str] = frozenset({"read"}), longest: int = 900) -> Ceiling:
    return Ceiling(scopes=frozenset(scopes), details=details, longest=longest)


@pytest.mark.parametrize(
    ("asked", "inside"),
    [
        ({"type": "postgres", "schemas": ["shop"], "actions": ["read"]}, True),
        ({"type": "postgres", "schemas": "shop", "actions": "read"}, True),
        ({"type": "postgres", "schemas": ["shop"], "actions": ["read"], "tables": ["shop.orders"]}, True),
        ({"type": "postgres", "schemas": ["shop", "payroll"], "actions": ["read"]}, False),
        ({"type": "postgres", "schemas": ["shop"], "actions": ["read", "write"]}, False),
        ({"type": "postgres", "schemas": ["shop"], "actions": ["read"], "owner": True}, False),
        ({"type": "postgres", "actions": ["read"]}, False),
        ({"type": "postgres", "schemas": [], "actions": ["read"]}, False),
        ({"type": "postgres", "schemas": None, "actions": ["read"]}, False),
        ({"type": "postgres", "schemas": "*", "actions": ["read"]}, False),
        ({"type": "github", "schemas": ["shop"], "actions": ["read"]}, False),
        ({"type": ["postgres"], "schemas": ["shop"], "actions": ["read"]}, False),
        ({"schemas": ["shop"], "actions": ["read"]}, False),
    ],
)
def test_a_detail_is_within_only_where_all_of_it_is(asked: dict[str, Any], inside: bool) -> None:
    assert covered(asked, [SHOP]) is inside


def test_two_allowed_details_do_not_cover_one_between_them() -> None:
    allowed = [{"type": "db", "tables": ["a"], "actions": ["read"]}, {"type": "db", "tables": ["b"], "actions": ["write"]}]
    assert covered({"type": "db", "tables": ["b"], "actions": ["write"]}, allowed)
    assert not covered({"type": "db", "tables": ["a"], "actions": ["write"]}, allowed)
    assert not covered({"type": "db", "tables": ["a", "b"], "actions": ["read"]}, allowed)


def test_values_of_other_types_are_other_values() -> None:
    assert covered({"type": "t", "n": [1, {"a": [2]}]}, [{"type": "t", "n": [{"a": [2]}, 1]}])
    assert not covered({"type": "t", "n": True}, [{"type": "t", "n": [1]}])
    assert not covered({"type": "t", "n": "1"}, [{"type": "t", "n": [1]}])


def test_a_scope_is_compared_whole_and_has_no_wildcard() -> None:
    want = Wanted(frozenset({"repo:read", "repo"}), (), 60)
    assert beyond(want, ceiling(scopes={"repo", "*", "repo:*"})).scopes == {"repo:read"}


def test_what_lies_beyond_is_named() -> None:
    detail = {"type": "postgres", "schemas": ["payroll"], "actions": ["read"]}
    over = beyond(Wanted(frozenset({"read", "write"}), (detail,), 1000), ceiling(SHOP))
    assert over == Beyond(frozenset({"write"}), (detail,), 100)
    assert over
    assert not beyond(Wanted(frozenset({"read"}), (), 900), ceiling())


def test_each_single_excess_is_beyond() -> None:
    assert beyond(Wanted(frozenset({"write"}), (), 1), ceiling())
    assert beyond(Wanted(frozenset(), ({"type": "x"},), 1), ceiling())
    assert beyond(Wanted(frozenset(), (), 901), ceiling())


def test_details_are_refused_where_the_ceiling_has_none() -> None:
    assert beyond(Wanted(frozenset(), ({"type": "postgres"},), 1), ceiling()).details == ({"type": "postgres"},)


def test_asking_without_details_is_asking_for_everything() -> None:
    free = {"type": "postgres", "schemas": "*", "tables": ["*"]}
    assert beyond(Wanted(frozenset({"read"}), (), 1), ceiling(SHOP)).details == ({"type": "postgres"},)
    assert beyond(Wanted(frozenset({"read"}), (), 1), ceiling(free, {"type": "github", "repositories": ["a"]})).details == ({"type": "github"},)
    assert not beyond(Wanted(frozenset({"read"}), (), 1), ceiling(SHOP, free))


def test_defaults_stay_under_the_ceiling() -> None:
    assert wanted(Wish(connector="postgres/demo"), connector(), ceiling()) == Wanted(frozenset({"read"}), (), 900)
    assert wanted(Wish(connector="postgres/demo"), connector(), ceiling(longest=7200)).lifetime == 3600
    assert wanted(Wish(connector="postgres/demo", lifetime=7000), connector(), ceiling(longest=7200)).lifetime == 7000
    assert wanted(Wish(connector="postgres/demo", scopes=("write", "write")), connector(), ceiling()).scopes == {"write"}


def test_a_wish_that_names_details_gets_no_default_scope() -> None:
    assert wanted(Wish(connector="postgres/demo", details=(SHOP,)), connector(), ceiling(SHOP)).scopes == frozenset()


@pytest.mark.parametrize(
    ("want", "limit", "near"),
    [
        (Wanted(frozenset({"read", "write"}), (), 9999), ceiling(), {"scopes": ["read"], "details": [], "lifetime": 900}),
        (Wanted(frozenset({"write"}), (), 60), ceiling(), {"scopes": ["read"], "details": [], "lifetime": 60}),
        (
            Wanted(frozenset(), ({"type": "postgres", "schemas": ["shop", "payroll"], "actions": ["write"], "tables": ["shop.a"]},), 60),
            ceiling(SHOP),
            {"scopes": [], "details": [{"type": "postgres", "schemas": ["shop"], "actions": ["read"], "tables": ["shop.a"]}], "lifetime": 60},
        ),
        (
            Wanted(frozenset(), ({"type": "github"},), 60),
            ceiling(SHOP),
            {"scopes": [], "details": [{"type": "postgres", "schemas": ["shop", "blog"], "actions": ["read"]}], "lifetime": 60},
        ),
        (
            Wanted(frozenset({"read"}), (), 60),
            ceiling(SHOP),
            {"scopes": ["read"], "details": [{"type": "postgres", "schemas": ["shop", "blog"], "actions": ["read"]}], "lifetime": 60},
        ),
        (Wanted(frozenset(), ({"type": "x"},), 60), ceiling({"type": "x", "tables": []}), None),
    ],
)
def test_the_nearest_thing_is_named(want: Wanted, limit: Ceiling, near: dict[str, Any] | None) -> None:
    assert nearest(want, limit) == near


members = st.dictionaries(st.sampled_from(["a", "b"]), st.lists(st.sampled_from(["x", "y", "*"]), min_size=1, max_size=2), max_size=2)
details = st.lists(st.builds(lambda kind, rest: {"type": kind, **rest}, st.sampled_from(["s", "t"]), members), max_size=3).map(tuple)
scopes = st.frozensets(st.sampled_from(["r", "w", "x"]))


@given(st.builds(Wanted, scopes, details, st.integers(1, 50)), st.builds(Ceiling, scopes=scopes, details=details, longest=st.integers(1, 50)))
def test_the_nearest_thing_would_have_been_allowed(want: Wanted, limit: Ceiling) -> None:
    near = nearest(want, limit)
    if near is None:
        assert beyond(want, limit)
    else:
        assert not beyond(Wanted(frozenset(near["scopes"]), tuple(near["details"]), near["lifetime"]), limit)
    if not beyond(want, limit):
        assert near == {"scopes": sorted(want.scopes), "details": list(want.details), "lifetime": want.lifetime}


@pytest.mark.parametrize(
    ("named", "allowed", "over"),
    [
        (None, (), None),
        ("main", (), None),
        ("other", (), "other"),
        ("other", ("other",), None),
        ("other", ("*",), None),
        ("other", ("third",), "other"),
    ],
)
def test_an_installation_lies_within_where_it_is_the_connectors_own_or_is_named(named: str | None, allowed: tuple[str, ...], over: str | None):
    limit = Ceiling(scopes=frozenset({"read"}), installations=frozenset(allowed))
    want = wanted(Wish(connector="postgres/demo", installation=named), connector(), limit)

    assert beyond(want, limit).installation == over
    assert bool(beyond(want, limit)) == (over is not None)
    near = nearest(want, limit)
    assert near is not None
    assert near.get("installation") == (None if over else want.installation)
