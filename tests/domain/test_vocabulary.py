"""How what we know becomes a question in Cedar's words."""

from typing import Any

import pytest

from counterfoil_server.domain import vocabulary
from counterfoil_server.domain.ceiling import Wanted
from counterfoil_server.runtime.cedar import Engine
from tests.support.facts import NOW, connector, verified


def permitted(when: str, details: tuple[dict[str, Any], ...] = (), **who: Any) -> bool:
    question = vocabulary.mint(verified(**who), Wanted(frozenset({"read"}), details, 60), connector(), NOW)
    engine = Engine({"p": f"permit (principal, action, resource) when {{ {when} }};"})
    return engine.ask(question.principal, "mint", question.resource, question.context, question.connector).allowed


@pytest.mark.parametrize(
    "when",
    [
        "principal is Workload",
        'principal in Project::"web"',
        'principal.project == "web" && principal.environment == "production" && principal.issuer == "https://issuer.example"',
        "!(principal has subject)",
        'resource in Provider::"postgres"',
        'resource.name == "postgres/demo" && resource.provider == "postgres" && resource.installation == "main"',
        'context.scopes == ["read"] && context.lifetime == 60 && context.claims.ref == "refs/heads/main"',
        'context.at == datetime("2026-11-24T12:00:00Z")',
        'context.at.toTime() > duration("8h") && context.at.toTime() < duration("18h")',
        "context.details.isEmpty()",
    ],
)
def test_a_policy_can_ask_for_it(when: str) -> None:
    assert permitted(when)
    assert not permitted(f"!({when})")


def test_the_subject_is_there_where_it_travels_in_clear() -> None:
    assert permitted('principal.subject == "repo:a"', subject="repo:a")


def test_details_are_flat_texts() -> None:
    details = ({"type": "postgres", "tables": ["shop.orders", 7], "limit": {"b": 1, "a": None}}, {"type": "postgres", "tables": "shop.orders"})
    assert vocabulary.flat(details) == ['postgres.limit={"a": null, "b": 1}', "postgres.tables=7", "postgres.tables=shop.orders"]
    assert permitted('context.details.contains("postgres.tables=shop.orders")', details)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"a": None, "b": [None, 1]}, {"b": [1]}),
        (1.5, "1.5"),
        (2**63, str(2**63)),
        (True, True),
        ({"__entity": {"type": "Connector", "id": "x"}}, '{"__entity": {"id": "x", "type": "Connector"}}'),
        ({"a": {"__extn": {"fn": "ip", "arg": "::"}}}, {"a": '{"__extn": {"arg": "::", "fn": "ip"}}'}),
        ({"a": [{"__expr": "1"}]}, {"a": ['{"__expr": "1"}']}),
    ],
)
def test_json_becomes_what_cedar_has(given: Any, expected: Any) -> None:
    found = vocabulary.value(given)
    assert (found, type(found)) == (expected, type(expected))


def test_no_callers_claim_becomes_an_entity() -> None:
    claims = {"team": {"__entity": {"type": "Project", "id": "admins"}}, "n": None, "x": 2.5}
    assert not permitted('context.claims.team == Project::"admins"', claims=claims)
    assert permitted('context.claims.x == "2.5" && !(context.claims has n)', claims=claims)
