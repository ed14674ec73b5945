"""Who may do what at the gateway's own doors: each role, each action."""

import pytest

from counterfoil_server.domain import operators
from counterfoil_server.domain.vocabulary import Ask, Question, Verdict
from counterfoil_server.runtime.cedar import Engine

RIGHTS = {
    "viewer": {"read_credentials", "read_registry", "read_audit"},
    "operator": {"read_credentials", "read_registry", "read_audit", "revoke", "lift"},
    "admin": {"read_credentials", "read_registry", "read_audit", "revoke", "lift", "change_registry"},
    None: set(),
}
ISSUER, SUB = "https://issuer.example", "c" * 64


def asks(**texts: str) -> Ask:
    engine = Engine(operators.BUILT_IN | texts)

    def ask(asked: Question) -> Verdict:
        return engine.ask(asked.principal, asked.action, asked.resource, asked.context, asked.connector)

    return ask


def may(role: str | None, action: str, connector: str | None = None, *, own: bool = False, **texts: str) -> bool:
    who = operators.holder(ISSUER, SUB, "web", "production") if role is None else operators.operator(ISSUER, SUB, role)
    return operators.may(asks(), asks(**texts), operators.question(who, action, connector, own=own)).allowed


@pytest.mark.parametrize("action", sorted(operators.ACTIONS))
@pytest.mark.parametrize("role", RIGHTS)
@pytest.mark.parametrize("connector", [None, "postgres/demo"])
def test_each_role_may_do_what_it_is_for(role: str | None, action: str, connector: str | None) -> None:
    assert may(role, action, connector) is (action in RIGHTS[role])


def test_everyone_may_revoke_their_own_and_do_nothing_else_with_it() -> None:
    assert may(None, "revoke", own=True)
    assert may("viewer", "revoke", own=True)
    assert [action for action in sorted(operators.ACTIONS) if may(None, action, own=True)] == ["revoke"]


def test_a_role_that_is_none_may_nothing() -> None:
    assert not any(may("root", action) for action in operators.ACTIONS)


def test_a_workload_that_calls_itself_admin_is_a_workload() -> None:
    who = operators.holder(ISSUER, SUB, None, None)
    who["attrs"]["role"] = "admin"
    assert not asks()(operators.question(who, "change_registry", None, own=False)).allowed


def test_a_policy_of_the_registry_can_forbid_and_permit() -> None:
    frozen = 'forbid (principal, action == Action::"lift", resource);'
    assert not may("admin", "lift", frozen=frozen)
    ci = 'permit (principal in Project::"web", action == Action::"revoke", resource in Provider::"postgres");'
    assert may(None, "revoke", "postgres/demo", ci=ci)
    assert not may(None, "revoke", "github/acme", ci=ci)


def test_no_policy_locks_out_who_may_change_policies() -> None:
    assert may("admin", "change_registry", all='forbid (principal, action in [Action::"change_registry", Action::"revoke"], resource);')


def test_no_policy_lets_anyone_else_change_the_registry() -> None:
    assert not may("viewer", "change_registry", all='permit (principal, action in [Action::"change_registry", Action::"revoke"], resource);')


@pytest.mark.parametrize(
    ("named", "expected"), [(None, False), ({"mint"}, False), ({"change_registry"}, False), ({"revoke"}, True), ({"mint", "read_audit"}, True)]
)
def test_a_policy_counts_where_it_names_one_of_these_actions(named: set[str] | None, expected: bool) -> None:
    assert operators.counts(None if named is None else frozenset(named)) is expected
