"""A link as a Cedar policy: asked of the real Cedar."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.contracts.registry import Ceiling, Link
from counterfoil_server.domain import vocabulary
from counterfoil_server.domain.ceiling import Wanted
from counterfoil_server.domain.links import compiled
from counterfoil_server.runtime.cedar import Engine
from counterfoil_server.runtime.concern import parse
from counterfoil_server.runtime.slices import Verdict
from tests.support.facts import NOW, connector, link, verified

WANT = Wanted(frozenset({"read"}), (), 900)


def ask(given: Link, want: Wanted = WANT, name: str = "postgres/demo", action: str = "mint", **who: Any) -> Verdict:
    question = vocabulary.mint(verified(**who), want, connector(name=name), NOW)
    return Engine({given.name: compiled(given)}).ask(question.principal, action, question.resource, question.context, question.connector)


def test_the_link_permits_what_it_says_and_is_the_rule() -> None:
    verdict = ask(link())
    assert (verdict.allowed, verdict.rule, verdict.error) == (True, "web/production->postgres/demo", False)


@pytest.mark.parametrize("who", [{"project": "web2"}, {"project": "production"}, {"environment": "preview"}, {"environment": "web"}])
def test_another_project_or_environment_is_not_permitted(who: dict[str, Any]) -> None:
    assert ask(link(), **who) == Verdict(allowed=False, rule=None, error=False, policy_hash=ask(link()).policy_hash)


def test_another_connector_is_not_permitted() -> None:
    assert not ask(link(), name="postgres/other").allowed


def test_another_action_is_not_permitted() -> None:
    assert not ask(link(), action="revoke").allowed


@pytest.mark.parametrize("want", [Wanted(frozenset({"read", "admin"}), (), 1), Wanted(frozenset(), (), 901)])
def test_the_ceiling_stands_in_the_policy_too(want: Wanted) -> None:
    assert not ask(link(), want).allowed
    assert not ask(link(ceiling=Ceiling(scopes=frozenset(), longest=900)), Wanted(frozenset({"read"}), (), 1)).allowed
    assert ask(link(ceiling=Ceiling(scopes=frozenset(), longest=900)), Wanted(frozenset(), (), 1)).allowed


def test_a_link_concerns_its_connector_only() -> None:
    assert parse(compiled(link())).connectors == frozenset({"postgres/demo"})


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_no_name_ends_the_string_it_stands_in(project: str) -> None:
    given = link(project=project, environments=frozenset({project}), ceiling=Ceiling(scopes=frozenset({project})))
    assert len(parse(compiled(given)).statements) == 1
    assert ask(given, Wanted(frozenset({project}), (), 1), project=project, environment=project).allowed
    assert not ask(given, Wanted(frozenset({project}), (), 1), project=project + "x", environment=project).allowed
