"""Which connectors a policy can concern: None is all of them."""

import pytest

from counterfoil_server.runtime.concern import BadPolicy, parse

A, B = 'Connector::"pg/a"', 'Connector::"gh/b"'


@pytest.mark.parametrize(
    ("scope", "conditions", "expected"),
    [
        (f"resource == {A}", "", {"pg/a"}),
        (f"resource in {A}", "", {"pg/a"}),
        (f"resource is Connector in {A}", "", {"pg/a"}),
        ('resource == Connector::"p\\u{67}/a"', "", {"pg/a"}),
        ("resource", f"when {{ resource == {A} }}", {"pg/a"}),
        ("resource", f"when {{ resource in [{A}, {B}] && context.claims.x == 1 }}", {"pg/a", "gh/b"}),
        ("resource", f"when {{ [{A}, {B}].contains(resource) }}", {"pg/a", "gh/b"}),
        ("resource", f"when {{ resource == {A} && true && false }} unless {{ true }}", {"pg/a"}),
        ("resource", "", None),
        ("resource is Connector", "", None),
        ('resource in Provider::"pg"', "", None),
        ('resource == Entry::"pg/a"', "", None),
        ("resource", f"when {{ context.claims.x == 1 && resource == {A} }}", None),
        ("resource", f"when {{ resource == {A} || true }}", None),
        ("resource", f"when {{ resource != {A} }}", None),
        ("resource", f"when {{ !(resource == {A}) }}", None),
        ("resource", f"unless {{ resource == {A} }}", None),
        ("resource", f"when {{ true }} when {{ resource == {A} }}", None),
        ("resource", f'when {{ resource in [{A}, Provider::"pg"] }}', None),
        ("resource", f"when {{ [{A}, 1].contains(resource) }}", None),
        ("resource", f"when {{ principal == {A} }}", None),
    ],
)
def test_only_what_cedar_is_sure_to_stop_at_is_left_out(scope: str, conditions: str, expected: set[str] | None) -> None:
    assert parse(f"forbid (principal, action, {scope}) {conditions};").connectors == (frozenset(expected) if expected is not None else None)


def test_one_statement_for_all_makes_the_entry_concern_all() -> None:
    one = f"permit (principal, action, resource == {A});"
    assert parse(one + f"forbid (principal, action, resource == {B});").connectors == frozenset({"pg/a", "gh/b"})
    assert parse(one + "forbid (principal, action, resource);").connectors is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('permit (principal, action == Action::"mint", resource);', {"mint"}),
        ('permit (principal, action in [Action::"revoke", Action::"lift"], resource);', {"revoke", "lift"}),
        ('permit (principal, action in Action::"lift", resource);', {"lift"}),
        ("permit (principal, action, resource);", None),
        ('permit (principal, action == Action::"mint", resource); forbid (principal, action, resource);', None),
        ('permit (principal, action == Action::"mint", resource); forbid (principal, action == Action::"lift", resource);', {"mint", "lift"}),
    ],
)
def test_which_actions_a_policy_names_is_known(text: str, expected: set[str] | None) -> None:
    assert parse(text).actions == (frozenset(expected) if expected is not None else None)


@pytest.mark.parametrize(
    ("body", "timed"),
    [
        ("context.lifetime < 5", False),
        ('context.claims.at == "x"', False),
        ('context.at.toTime() > duration("1h")', True),
        ("context has at", True),
        ("context has claims && context.claims has x", False),
        ("[1].contains(context)", True),
        ('context.claims.ref == "\\"Var\\": \\"context\\""', False),
    ],
)
def test_who_may_read_the_clock_is_known(body: str, timed: bool) -> None:
    assert parse(f"forbid (principal, action, resource) when {{ {body} }};").timed is timed


@pytest.mark.parametrize("text", ["", "// nothing", "permit", "permit (principal == ?principal, action, resource);"])
def test_what_decides_nothing_is_no_policy(text: str) -> None:
    with pytest.raises(BadPolicy):
        parse(text)
