"""What a wish means: never more than was named."""

import pytest

from services.providers.postgres.rights import rights
from services.providers.seam import Refused

OFFERED = ("shop", "stock")


def wish(*scopes: str, details: tuple[dict[str, object], ...] = ()):
    return rights(frozenset(scopes), details, OFFERED)


def detail(**members: object) -> dict[str, object]:
    return {"type": "postgres", **members}


def test_a_scope_alone_reaches_every_schema_on_offer():
    assert wish("read") == {("read", "shop", None), ("read", "stock", None)}


def test_details_narrow_the_scopes():
    assert wish("read", details=(detail(tables=["shop.orders"]),)) == {("read", "shop", "orders")}


def test_writing_is_no_reading():
    assert {action for action, _, _ in wish("write")} == {"write"}


def test_each_detail_has_its_own_actions():
    details = (detail(schemas=["shop"], actions=["read"]), detail(tables=["shop.orders"], actions=["write"]))

    assert wish(details=details) == {("read", "shop", None), ("write", "shop", "orders")}


def test_an_action_that_no_detail_names_is_not_granted_though_the_scopes_have_it():
    assert wish("read", "write", details=(detail(tables=["shop.orders"], actions=["read"]),)) == {("read", "shop", "orders")}


def test_a_table_within_a_schema_that_is_granted_whole_adds_nothing():
    """So that equal wishes have the same group."""
    assert wish("read", details=(detail(schemas=["shop"], tables=["shop.orders"]),)) == {("read", "shop", None)}


def test_a_table_may_have_a_dot_in_its_name():
    assert wish("read", details=(detail(tables=["shop.odd.name"]),)) == {("read", "shop", "odd.name")}


@pytest.mark.parametrize(
    ("code", "scopes", "details"),
    [
        ("unknown_scope", {"admin"}, ()),
        ("unknown_scope", {"read", "READ"}, ()),
        ("nothing_asked", set(), ()),
        ("nothing_asked", set(), (detail(schemas=["shop"]),)),
        ("unknown_schema", {"read"}, (detail(schemas=["payroll"]),)),
        ("unknown_schema", {"read"}, (detail(tables=["payroll.salaries"]),)),
        ("beyond_scopes", {"read"}, (detail(actions=["read", "write"]),)),
        ("details", {"read"}, (detail(tables=["orders"]),)),
        ("details", {"read"}, (detail(tables="shop.orders"),)),
        ("details", {"read"}, (detail(actions=["drop"]),)),
        ("details", {"read"}, (detail(colour="red"),)),
        ("details", {"read"}, ({"type": "github"},)),
        ("details", {"read"}, ({"schemas": ["shop"]},)),
    ],
)
def test_what_makes_no_sense_is_refused(code: str, scopes: set[str], details: tuple[dict[str, object], ...]):
    with pytest.raises(Refused) as refused:
        wish(*scopes, details=details)

    assert refused.value.code == code


def test_a_refusal_quotes_no_value():
    with pytest.raises(Refused) as refused:
        wish("read", details=(detail(actions=["canary-9d2e"]),))

    assert "canary" not in str(refused.value)
